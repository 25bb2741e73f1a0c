/// Something that should not be.
package struct Finding: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Acknowledged, but not there.
        case lost
        /// There or done more often than it should.
        case doubled
        /// Not finished in time.
        case stuck
        /// Anything else that contradicts what clients were told.
        case wrong
    }

    package var kind: Kind
    package var text: String

    package init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}
