import JSON
import ProcessEngine

/// Members in the forms this API uses.
extension JSONWriter {
    /// A key as a string of digits.
    mutating func keyMember(_ name: String, _ key: Key) {
        self.key(name)
        self.quotedInt(key.rawValue)
    }

    mutating func optionalMember(_ name: String, _ value: String?) {
        self.key(name)
        if let value { self.string(value) } else { self.null() }
    }

    mutating func nullMember(_ name: String) {
        self.key(name)
        self.null()
    }

    mutating func stringsMember(_ name: String, _ values: [String]) {
        self.key(name)
        self.beginArray()
        for value in values { self.string(value) }
        self.endArray()
    }

    /// Variables as one object, each value as it was written.
    mutating func variables(_ document: VariableDocument) {
        self.beginObject()
        for entry in document.entries {
            self.key(entry.name)
            self.raw(entry.value)
        }
        self.endObject()
    }
}
