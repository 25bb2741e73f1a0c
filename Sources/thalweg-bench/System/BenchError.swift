import Glibc

/// Why a measurement could not be made. The text is all there is to it: nobody handles one kind differently.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// The failure of a system call, with the reason the system gave.
    static func system(_ what: String, _ code: Int32 = errno) -> BenchError {
        BenchError("Expected to \(what), but got: \(String(cString: strerror(code)))")
    }
}
