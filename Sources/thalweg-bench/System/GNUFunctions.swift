import Glibc

/// Functions that the C library declares for GNU sources alone: they are looked up by name.
enum GNUFunctions {
    private typealias SetNamespace = @convention(c) (Int32, Int32) -> Int32
    private typealias Poll =
        @convention(c) (UnsafeMutablePointer<pollfd>?, nfds_t, UnsafePointer<timespec>?, OpaquePointer?) -> Int32

    private static let setNamespaceFunction: SetNamespace? = dlsym(nil, "setns").map {
        unsafeBitCast($0, to: SetNamespace.self)
    }
    private static let pollFunction: Poll? = dlsym(nil, "ppoll").map { unsafeBitCast($0, to: Poll.self) }

    /// setns(2): whether it worked.
    static func setNamespace(_ descriptor: Int32, kind: Int32) -> Bool {
        Self.setNamespaceFunction.map { $0(descriptor, kind) == 0 } ?? false
    }

    /// poll(2) with a time-out of less than a second in nanoseconds.
    static func poll(_ watched: inout [pollfd], nanoseconds: UInt64) -> Int32 {
        var time = timespec(tv_sec: 0, tv_nsec: Int(nanoseconds))
        guard let poll = Self.pollFunction else {
            return Glibc.poll(&watched, nfds_t(watched.count), Int32((nanoseconds + 999_999) / 1_000_000))
        }
        return poll(&watched, nfds_t(watched.count), &time, nil)
    }
}
