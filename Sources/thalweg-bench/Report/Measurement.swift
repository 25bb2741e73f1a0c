import JSON

/// What a number counts; decides how people read it.
enum Unit: String {
    case perSecond = "1/s"
    case microseconds = "us"
    case milliseconds = "ms"
    case seconds = "s"
    case megabytes = "MB"
    case bytes = "B"
    case count = ""
    case times = "x"
    case decimal = "1"
    case ratio
    case percent = "%"
    case cores = "cores"

    /// A number with its unit, at most three digits behind the point.
    func text(_ value: Double) -> String {
        switch self {
        case .perSecond: Self.grouped(value) + " /s"
        case .microseconds: Self.grouped(value) + " µs"
        case .milliseconds: Self.decimals(value, 2) + " ms"
        case .seconds: Self.decimals(value, 1) + " s"
        case .megabytes: Self.decimals(value, 1) + " MB"
        case .bytes: Self.grouped(value) + " B"
        case .count: Self.grouped(value)
        case .times: Self.decimals(value, 1) + " x"
        case .decimal: Self.decimals(value, 1)
        case .ratio: Self.decimals(value, 2)
        case .percent: Self.decimals(value, 1) + " %"
        case .cores: Self.decimals(value, 2) + " cores"
        }
    }

    private static func grouped(_ value: Double) -> String {
        let digits = Array(String(Int(value.rounded())))
        var text = ""
        for (position, digit) in digits.enumerated() {
            let isBoundary = position > 0 && (digits.count - position) % 3 == 0 && digits[position - 1] != "-"
            text += isBoundary ? ",\(digit)" : String(digit)
        }
        return text
    }

    private static func decimals(_ value: Double, _ places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = Int((value.magnitude * scale).rounded())
        let fraction = String(scaled % Int(scale))
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return sign + Self.grouped(Double(scaled / Int(scale))) + "."
            + String(repeating: "0", count: places - fraction.utf8.count) + fraction
    }
}

/// What a value should be.
struct Aim {
    enum Direction: String {
        case atLeast = "at least"
        case atMost = "at most"
    }

    let direction: Direction
    let limit: Double

    func isMet(by value: Double) -> Bool {
        switch self.direction {
        case .atLeast: value >= self.limit
        case .atMost: value <= self.limit
        }
    }

    /// How much of the aim is reached, 1 being all of it.
    func share(of value: Double) -> Double {
        switch self.direction {
        case .atLeast: self.limit > 0 ? value / self.limit : 1
        case .atMost: value > 0 ? self.limit / value : 1
        }
    }
}

/// One measured number, what belongs to it, and what it should be.
struct Measurement {
    /// A further number beside the main one.
    struct Detail {
        let name: String
        let value: Double
        let unit: Unit
    }

    /// Stable, for programs.
    let id: String
    /// For people.
    let title: String
    let value: Double
    let unit: Unit
    var aim: Aim?
    var details: [Detail] = []

    mutating func add(_ name: String, _ value: Double, _ unit: Unit) {
        self.details.append(Detail(name: name, value: value, unit: unit))
    }

    /// Adds p50, p99 and the longest duration.
    mutating func add(_ name: String, _ histogram: LatencyHistogram) {
        let prefix = name.isEmpty ? "" : name + " "
        self.add(prefix + "p50", Double(histogram.median) / 1e3, .microseconds)
        self.add(prefix + "p99", Double(histogram.p99) / 1e3, .microseconds)
        self.add(prefix + "max", Double(histogram.max) / 1e3, .microseconds)
    }
}

/// The size of the data folder at one moment.
struct SizeSample {
    let seconds: Double
    let finishedInstances: Int
    let bytes: Int
}
