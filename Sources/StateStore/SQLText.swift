import ProcessEngine

/// A statement in the making: its text has a placeholder for each value.
struct SQLText: Sendable {
    private(set) var text = ""
    private(set) var values: [ViewValue] = []

    mutating func append(_ sql: String) { self.text += sql }

    mutating func append(_ other: SQLText) {
        self.text += other.text
        self.values += other.values
    }

    mutating func append(value: ViewValue) {
        self.text += "?"
        self.values.append(value)
    }

    mutating func append(values: [ViewValue]) {
        for (index, value) in values.enumerated() {
            if index > 0 { self.text += "," }
            self.append(value: value)
        }
    }
}
