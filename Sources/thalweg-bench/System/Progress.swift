import Glibc

/// Lines for who waits, on standard error, so that standard output holds the result alone.
enum Progress {
    static func line(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
