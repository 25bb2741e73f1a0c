import Foundation

/// The timeline of a drill as an SVG picture: who led, which faults there were, how many commands were acknowledged,
/// and when none were.
struct TimelinePicture {
    private static let width = 1_120.0
    private static let left = 90.0
    private static let right = 10.0
    private static let laneHeight = 22.0
    private static let barsHeight = 140.0
    /// More intervals than this are joined for the picture.
    private static let barLimit = 1_000

    private let record: DrillRecord
    private let timeline: Timeline
    private let start: Double
    private let end: Double

    init(_ record: DrillRecord) {
        self.record = record
        self.timeline = record.timeline
        self.start = record.loadBegan
        self.end = max(record.loadEnded, record.loadBegan + Timeline.interval)
    }

    var svg: String {
        let lanes = Double(self.record.nodeNames.count) * Self.laneHeight
        let barsTop = 30 + lanes + 20
        let height = barsTop + Self.barsHeight + 40
        var parts = [
            "<svg viewBox=\"0 0 \(Self.number(Self.width)) \(Self.number(height))\" role=\"img\" "
                + "aria-label=\"Leader, faults and acknowledged commands over time\">"
        ]
        parts += self.faults(top: 12, bottom: barsTop + Self.barsHeight)
        parts += self.lanes(top: 30)
        parts += self.bars(top: barsTop)
        parts += self.axis(top: barsTop + Self.barsHeight)
        parts.append("</svg>")
        return parts.joined(separator: "\n")
    }

    private func x(_ time: Double) -> Double {
        let share = (min(max(time, self.start), self.end) - self.start) / (self.end - self.start)
        return Self.left + share * (Self.width - Self.left - Self.right)
    }

    private static func number(_ value: Double) -> String { String(format: "%.1f", value) }

    private func rectangle(_ from: Double, _ to: Double, top: Double, height: Double, style: String, title: String)
        -> String
    {
        let (x, right) = (self.x(from), self.x(to))
        return "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(top))\" width=\"\(Self.number(max(1, right - x)))\" "
            + "height=\"\(Self.number(height))\" class=\"\(style)\"><title>\(HTMLText.escaped(title))</title></rect>"
    }

    private func text(_ text: String, x: Double, y: Double, anchor: String = "start") -> String {
        "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" "
            + "text-anchor=\"\(anchor)\">\(HTMLText.escaped(text))</text>"
    }

    private func faults(top: Double, bottom: Double) -> [String] {
        var parts = [self.text("faults", x: Self.left - 8, y: top + 10, anchor: "end")]
        for fault in self.record.faults {
            let title = "\(fault.kind.rawValue) \(fault.target), at \(Figures.seconds(fault.began - self.start))"
            parts.append(
                self.rectangle(
                    fault.began,
                    fault.ended ?? self.end,
                    top: top,
                    height: bottom - top,
                    style: "fault",
                    title: title
                )
            )
        }
        if self.record.faults.count <= 12 {
            for fault in self.record.faults {
                parts.append(self.text(fault.kind.rawValue, x: self.x(fault.began) + 3, y: top + 10))
            }
        }
        return parts
    }

    private func lanes(top: Double) -> [String] {
        var parts: [String] = []
        for (node, name) in self.record.nodeNames.enumerated() {
            let y = top + Double(node) * Self.laneHeight
            parts.append(self.text(name, x: Self.left - 8, y: y + 14, anchor: "end"))
            for segment in RoleSegment.of(node, self.record.roles, from: self.start, to: self.end) {
                let title =
                    "\(name): \(segment.role.rawValue) from \(Figures.seconds(segment.from - self.start)) "
                    + "to \(Figures.seconds(segment.to - self.start))"
                parts.append(
                    self.rectangle(
                        segment.from,
                        segment.to,
                        top: y + 2,
                        height: Self.laneHeight - 4,
                        style: "role-\(segment.role.rawValue)",
                        title: title
                    )
                )
            }
        }
        return parts
    }

    /// Intervals joined so that the picture stays small.
    static func joined(_ counts: [Int], limit: Int) -> (counts: [Int], size: Int) {
        let size = max(1, (counts.count + limit - 1) / limit)
        guard size > 1 else { return (counts, 1) }
        let joined = stride(from: 0, to: counts.count, by: size).map { start in
            counts[start..<min(start + size, counts.count)].reduce(0, +)
        }
        return (joined, size)
    }

    private func bars(top: Double) -> [String] {
        let (counts, size) = Self.joined(self.timeline.counts, limit: Self.barLimit)
        let interval = Timeline.interval * Double(size)
        let highest = max(1, counts.max() ?? 1)
        var parts = [
            self.text("acknowledged", x: Self.left - 8, y: top + 12, anchor: "end"),
            self.text("per \(Figures.milliseconds(interval))", x: Self.left - 8, y: top + 26, anchor: "end"),
            self.text("\(highest)", x: Self.left - 8, y: top + 44, anchor: "end"),
        ]
        for gap in self.timeline.gaps {
            let title = "nothing acknowledged for \(Figures.milliseconds(gap.length))"
            parts.append(
                self.rectangle(gap.from, gap.to, top: top, height: Self.barsHeight, style: "gap", title: title)
            )
        }
        for (index, count) in counts.enumerated() where count > 0 {
            let from = self.start + Double(index) * interval
            let height = Self.barsHeight * Double(count) / Double(highest)
            parts.append(
                self.rectangle(
                    from,
                    from + interval * 0.85,
                    top: top + Self.barsHeight - height,
                    height: height,
                    style: "bar",
                    title: "\(count) at \(Figures.seconds(from - self.start))"
                )
            )
        }
        return parts
    }

    private func axis(top: Double) -> [String] {
        let length = self.end - self.start
        let step = [1.0, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600].first { length / $0 <= 16 } ?? length / 10
        var parts = [
            "<line x1=\"\(Self.number(Self.left))\" x2=\"\(Self.number(Self.width - Self.right))\" "
                + "y1=\"\(Self.number(top))\" y2=\"\(Self.number(top))\" class=\"axis\" />"
        ]
        var time = 0.0
        while time <= length {
            parts.append(
                self.text(
                    "\(Int(time)) s",
                    x: self.x(self.start + time),
                    y: top + 18,
                    anchor: time == 0 ? "start" : time > length * 0.97 ? "end" : "middle"
                )
            )
            time += step
        }
        return parts
    }
}
