/// What an expression may cost to parse.
package struct FEELLimits: Sendable {
    /// The largest source in UTF-8 bytes.
    package var maximalSourceBytes: Int
    /// How deep expressions may be nested.
    package var maximalDepth: Int
    /// The largest number of tokens.
    package var maximalTokenCount: Int

    /// 64 KiB, 16,384 tokens, and a depth that fits a thread's stack of 512 KiB even in a debug build.
    package static let `default` = FEELLimits()

    /// Limits, by default those of `default`.
    package init(maximalSourceBytes: Int = 65_536, maximalDepth: Int = 32, maximalTokenCount: Int = 16_384) {
        self.maximalSourceBytes = maximalSourceBytes
        self.maximalDepth = maximalDepth
        self.maximalTokenCount = maximalTokenCount
    }
}

/// Why and where an expression cannot be parsed.
package struct FEELSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The line, from 1.
    package let line: Int
    /// The column in characters, from 1.
    package let column: Int
    /// What the grammar asks for.
    package let expected: String
    /// What is there instead.
    package let found: String

    /// The position and both sides in one sentence.
    package var description: String {
        "Expected \(self.expected), but got \(self.found) at line \(self.line), column \(self.column)"
    }
}
