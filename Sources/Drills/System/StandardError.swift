import Glibc

/// Messages that are not the result.
enum StandardError {
    static func line(_ text: String) { Self.text(text + "\n") }

    static func text(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}

/// The result, as far as it is not flushed by itself.
enum StandardOutput {
    static func flush() { fflush(nil) }
}
