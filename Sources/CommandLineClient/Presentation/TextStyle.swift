/// The few colours the client uses, or none.
///
/// Colour is only ever a repetition of what the words say, so nothing is lost without it (see https://no-color.org).
struct TextStyle: Equatable, Sendable {
    /// Whether escape sequences may be written.
    let isColoured: Bool

    static let plain = TextStyle(isColoured: false)

    func good(_ text: String) -> String { self.wrap(text, code: "32") }
    func warning(_ text: String) -> String { self.wrap(text, code: "33") }
    func bad(_ text: String) -> String { self.wrap(text, code: "31;1") }
    func strong(_ text: String) -> String { self.wrap(text, code: "1") }

    private func wrap(_ text: String, code: String) -> String {
        self.isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
