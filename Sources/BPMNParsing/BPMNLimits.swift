/// Bounds on what a model file may hold, so that a hostile file costs neither time nor memory.
package struct BPMNLimits: Hashable, Sendable {
    /// Size of one file in bytes.
    package var resourceBytes = 4 * 1024 * 1024
    /// Nesting of XML elements.
    package var xmlDepth = 256
    /// XML elements of a file, diagram included.
    package var xmlElementCount = 100_000
    /// Attributes of one XML element.
    package var attributeCount = 128
    /// Length of one attribute value, and of the text inside one element, in UTF-8 bytes.
    package var valueBytes = 64 * 1024
    /// Flow nodes of all executable processes of a file.
    package var elementCount = 10_000
    /// Sequence flows of all executable processes of a file.
    package var flowCount = 20_000
    /// Nesting of embedded sub-processes.
    package var scopeDepth = 32
    /// Length of an id in UTF-8 bytes.
    package var idBytes = 255
    /// Length of an element's name in UTF-8 bytes.
    package var nameBytes = 4 * 1024
    /// Parts of a variable path such as `a.b.c`.
    package var pathParts = 32
    /// Findings that are kept; further ones are only counted.
    package var findingCount = 1_000

    package static let `default` = BPMNLimits()

    package init() {}
}
