import Testing

@testable import RaftCore

/// The files on changes of members: simple changes, entering and leaving joint configurations.
@Suite(.enabled(if: DataDrivenFile.isPresent))
struct ConfigurationChangeConformanceTests {
    static let folder = "confchange/testdata"

    @Test(arguments: DataDrivenFile.names(in: Self.folder))
    func `every case of a membership file has the expected output`(name: String) throws {
        for difference in try Self.differences(in: try DataDrivenFile.read(name, in: Self.folder)) {
            Issue.record("\(name) \(difference)")
        }
    }

    @Test
    func `all membership files are there`() {
        #expect(DataDrivenFile.names(in: Self.folder).count == 9)
    }

    @Test(arguments: DataDrivenFile.names(in: Self.folder))
    func `a changed result in a membership file is noticed`(name: String) throws {
        let text = try DataDrivenFile.read(name, in: Self.folder)
        let wrong = text.replacing("voters=(1)", with: "voters=(7)").replacing("next=1", with: "next=77")
        #expect(try !Self.differences(in: wrong).isEmpty)
    }

    private static func differences(in text: String) throws -> [DataDrivenDifference] {
        var differences: [DataDrivenDifference] = []
        let window = InflightWindow(maxCount: 10, maxBytes: .max)
        var tracker = ProgressTracker(ClusterConfiguration(), nextIndex: LogIndex(1), window: window)
        for (number, found) in DataDrivenFile.parse(text).enumerated() {
            let steps = try found.input.joined(separator: " ").split(separator: " ").map { try Describe.step($0) }
            var changer = ConfigurationChanger(tracker, lastIndex: LogIndex(UInt64(number)))
            var actual: [String]
            do throws(ConfigurationChangeError) {
                switch found.command {
                case "simple": try changer.simple(steps)
                case "enter-joint": try changer.enterJoint(steps, autoLeave: found.flag("autoleave"))
                default: try changer.leaveJoint()
                }
                tracker.adopt(changer)
                actual = [Describe.configuration(tracker.configuration)]
                actual += tracker.peers.map { "\($0.id): " + Describe.progress(PeerStatus($0)) }
            } catch {
                actual = [Describe.error(error)]
            }
            if actual != found.expected {
                differences.append(
                    .init(line: found.line, command: found.command, expected: found.expected, actual: actual)
                )
            }
        }
        return differences
    }
}
