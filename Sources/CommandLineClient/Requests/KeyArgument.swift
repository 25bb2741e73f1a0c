import ArgumentParser

/// A key as the API writes it: a decimal integer of at most 25 characters, handled as text.
struct KeyArgument: Equatable, Hashable, Sendable, CustomStringConvertible {
    let text: String

    /// Nil where `text` is no key.
    init?(_ text: String) {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let isNumeric = !digits.isEmpty && digits.utf8.allSatisfy { $0 >= 48 && $0 <= 57 }
        guard isNumeric, text.utf8.count <= 25 else { return nil }
        self.text = text
    }

    /// Reads an argument; the error says what was expected.
    static func argument(_ text: String) throws -> KeyArgument {
        guard let key = KeyArgument(text) else {
            throw ValidationError("Expected a key, a number like 2251799813685252")
        }
        return key
    }

    var description: String { self.text }
}
