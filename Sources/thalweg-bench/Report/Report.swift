import JSON

/// Everything one run has measured.
struct Report {
    /// Raised when a member of the JSON form changes its meaning.
    static let formatVersion = 1

    let machine: MachineFacts
    let isQuick: Bool
    private(set) var measurements: [Measurement] = []
    /// What could not be measured here, and why.
    private(set) var omissions: [(id: String, reason: String)] = []
    /// The size of the data folder over time, where that was measured.
    var sizes: [SizeSample] = []

    init(machine: MachineFacts, isQuick: Bool) {
        self.machine = machine
        self.isQuick = isQuick
    }

    mutating func add(_ measurement: Measurement) {
        self.measurements.append(measurement)
        Progress.line("\(measurement.title): \(measurement.unit.text(measurement.value))")
    }

    /// Notes that a measurement is left out; that must not look like a measurement that was not asked for.
    mutating func omit(_ id: String, _ reason: String) {
        self.omissions.append((id, reason))
        Progress.line("NOT MEASURED: \(id): \(reason)")
    }

    // MARK: For people

    func table() -> String {
        let rows = self.measurements.map { measurement in
            [
                measurement.title, measurement.unit.text(measurement.value), Self.aimText(measurement),
                Self.metText(measurement),
            ]
        }
        let header = ["measurement", "value", "aim", "met"]
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        var lines = [Self.line(header, widths), String(repeating: "-", count: widths.reduce(0, +) + 6)]
        for (row, measurement) in zip(rows, self.measurements) {
            lines.append(Self.line(row, widths))
            lines += Self.detailLines(measurement.details)
        }
        for omission in self.omissions { lines.append("NOT MEASURED: \(omission.id): \(omission.reason)") }
        if !self.sizes.isEmpty { lines += [""] + self.sizeLines() }
        lines += [""] + self.machineLines()
        return lines.joined(separator: "\n")
    }

    private static func aimText(_ measurement: Measurement) -> String {
        guard let aim = measurement.aim else { return "-" }
        return (aim.direction == .atLeast ? "≥ " : "≤ ") + measurement.unit.text(aim.limit)
    }

    private static func metText(_ measurement: Measurement) -> String {
        guard let aim = measurement.aim else { return "-" }
        if aim.isMet(by: measurement.value) { return "yes" }
        return "no (\(Unit.percent.text(aim.share(of: measurement.value) * 100)) of it)"
    }

    private static func line(_ cells: [String], _ widths: [Int]) -> String {
        var text = ""
        for (column, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            // Numbers stand right, words left.
            let isRight = column == 1 || column == 2
            text += (column > 0 ? "  " : "") + (isRight ? padding + cell : cell + padding)
        }
        while text.last == " " { text.removeLast() }
        return text
    }

    private static func detailLines(_ details: [Measurement.Detail]) -> [String] {
        var lines: [String] = []
        var line = ""
        for detail in details {
            let text = "\(detail.name) \(detail.unit.text(detail.value))"
            if line.count + text.count > 90 {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "    " : " · ") + text
        }
        return line.isEmpty ? lines : lines + [line]
    }

    private func sizeLines() -> [String] {
        let largest = self.sizes.map(\.bytes).max() ?? 0
        return ["size of the data folder", "    time    finished         size"]
            + self.sizes.map { sample in
                let time = Unit.seconds.text(sample.seconds)
                let finished = Unit.count.text(Double(sample.finishedInstances))
                let size = Unit.megabytes.text(Double(sample.bytes) / 1e6)
                let length = largest > 0 ? sample.bytes * 40 / largest : 0
                return [(time, 8), (finished, 11), (size, 12)].map { text, width in
                    String(repeating: " ", count: max(0, width - text.count)) + text
                }.joined(separator: " ") + "  " + String(repeating: "#", count: length)
            }
    }

    private func machineLines() -> [String] {
        [
            "machine: \(self.machine.cores) cores, \(self.machine.processor), "
                + "\(Unit.megabytes.text(Double(self.machine.memoryBytes) / 1e6)) of memory",
            "system:  \(self.machine.kernel), data on \(self.machine.fileSystem)",
        ] + (self.isQuick ? ["a quick run: short measurements on little data; no basis for a claim"] : [])
    }

    // MARK: For programs

    func json() -> [UInt8] {
        var writer = JSONWriter(layout: .pretty)
        writer.beginObject()
        writer.member("formatVersion", Self.formatVersion)
        writer.member("isQuick", self.isQuick)
        writer.key("machine")
        writer.beginObject()
        writer.member("cores", self.machine.cores)
        writer.member("processor", self.machine.processor)
        writer.member("memoryBytes", self.machine.memoryBytes)
        writer.member("kernel", self.machine.kernel)
        writer.member("fileSystem", self.machine.fileSystem)
        writer.endObject()
        writer.key("measurements")
        writer.beginArray()
        for measurement in self.measurements { Self.write(measurement, to: &writer) }
        writer.endArray()
        if !self.omissions.isEmpty {
            writer.key("omissions")
            writer.beginArray()
            for omission in self.omissions {
                writer.beginObject()
                writer.member("id", omission.id)
                writer.member("reason", omission.reason)
                writer.endObject()
            }
            writer.endArray()
        }
        if !self.sizes.isEmpty {
            writer.key("dataFolderSizes")
            writer.beginArray()
            for sample in self.sizes {
                writer.beginObject()
                writer.key("seconds")
                writer.double(sample.seconds)
                writer.member("finishedInstances", sample.finishedInstances)
                writer.member("bytes", sample.bytes)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes + [0x0A]
    }

    private static func write(_ measurement: Measurement, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", measurement.id)
        writer.member("title", measurement.title)
        writer.key("value")
        writer.double(measurement.value)
        writer.member("unit", measurement.unit.rawValue)
        if let aim = measurement.aim {
            writer.key("aim")
            writer.beginObject()
            writer.member("direction", aim.direction.rawValue)
            writer.key("limit")
            writer.double(aim.limit)
            writer.member("isMet", aim.isMet(by: measurement.value))
            writer.endObject()
        }
        writer.key("details")
        writer.beginArray()
        for detail in measurement.details {
            writer.beginObject()
            writer.member("name", detail.name)
            writer.key("value")
            writer.double(detail.value)
            writer.member("unit", detail.unit.rawValue)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}
