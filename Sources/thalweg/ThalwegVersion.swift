/// The version of this binary.
enum ThalwegVersion {
    static let current = "0.1.0"
}
