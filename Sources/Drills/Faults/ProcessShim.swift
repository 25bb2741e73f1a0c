import Glibc

/// A small library that is loaded into a node before everything else: it makes writes and syncs really take longer, and
/// shifts the wall clock. What it does is told by a file that all sides map into their memory; it counts there what it
/// did, so that the effect is seen from outside.
struct ProcessShim: Sendable {
    let library: String
    private let folder: String

    /// Compiles the library with the machine's C compiler; once per folder.
    static func build(in folder: String) throws -> ProcessShim {
        let library = "\(folder)/shim.so"
        if !Files.exists(library) {
            guard let compiler = ["cc", "gcc", "clang"].lazy.compactMap({ SystemText.tool($0) }).first else {
                throw DrillFailure(
                    "Expected a C compiler for slow disks and clock jumps; install one, like Debian's gcc"
                )
            }
            try Files.write(Array(Self.source.utf8), to: "\(folder)/shim.c")
            try CommandResult.require([
                compiler, "-shared", "-fPIC", "-O1", "-o", library, "\(folder)/shim.c", "-ldl",
            ])
        }
        return ProcessShim(library: library, folder: folder)
    }

    /// The file by which one process is controlled.
    func control(named name: String) throws -> ShimControl {
        try ShimControl(path: "\(self.folder)/shim-\(name)", library: self.library)
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/time.h>
        #include <sys/types.h>
        #include <time.h>
        #include <unistd.h>

        /* delay of a write in microseconds, shift of the wall clock in milliseconds, delayed calls, shifted calls */
        struct control { volatile int64_t delay, shift, delayed, shifted; };
        static struct control *control;

        __attribute__((constructor)) static void setup(void) {
            const char *path = getenv("THALWEG_DRILL_SHIM");
            int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
            if (file < 0) return;
            void *memory = mmap(0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            if (memory != MAP_FAILED) control = memory;
            close(file);
        }

        static void hold(void) {
            if (!control || control->delay <= 0) return;
            struct timespec rest = { control->delay / 1000000, control->delay % 1000000 * 1000 };
            __atomic_add_fetch(&control->delayed, 1, __ATOMIC_RELAXED);
            while (nanosleep(&rest, &rest)) {}
        }

        #define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

        int fsync(int file) { hold(); return REAL(fsync)(file); }
        int fdatasync(int file) { hold(); return REAL(fdatasync)(file); }
        ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
            hold();
            return REAL(pwrite)(file, bytes, count, at);
        }
        ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
            hold();
            return REAL(pwrite64)(file, bytes, count, at);
        }

        int clock_gettime(clockid_t clock, struct timespec *time) {
            static __typeof__(&clock_gettime) real;
            if (!real) real = REAL(clock_gettime);
            int result = real(clock, time);
            int64_t shift = control ? control->shift : 0;
            if (result == 0 && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
                __atomic_add_fetch(&control->shifted, 1, __ATOMIC_RELAXED);
                int64_t nanoseconds = time->tv_nsec + shift % 1000 * 1000000;
                time->tv_sec += shift / 1000;
                if (nanoseconds >= 1000000000) { nanoseconds -= 1000000000; time->tv_sec += 1; }
                if (nanoseconds < 0) { nanoseconds += 1000000000; time->tv_sec -= 1; }
                time->tv_nsec = nanoseconds;
            }
            return result;
        }

        int gettimeofday(struct timeval *restrict time, void *restrict zone) {
            struct timespec now;
            (void) zone;
            clock_gettime(CLOCK_REALTIME, &now);
            time->tv_sec = now.tv_sec;
            time->tv_usec = now.tv_nsec / 1000;
            return 0;
        }

        time_t time(time_t *place) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (place) *place = now.tv_sec;
            return now.tv_sec;
        }

        """
}

/// The drill's side of a shim's memory.
///
/// Unchecked because of the mapped memory: its four words are read and written one by one, and the other side is a
/// process of its own anyway.
final class ShimControl: @unchecked Sendable {
    private let words: UnsafeMutablePointer<Int64>
    private static let size = 4 * MemoryLayout<Int64>.size
    let path: String
    let environment: [String: String]

    init(path: String, library: String) throws {
        self.path = path
        self.environment = ["LD_PRELOAD": library, "THALWEG_DRILL_SHIM": path]
        if !Files.exists(path) { try Files.write([UInt8](repeating: 0, count: Self.size), to: path) }
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw DrillFailure.system("open '\(path)'", errno) }
        defer { close(descriptor) }
        guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            memory != MAP_FAILED
        else { throw DrillFailure.system("map '\(path)'", errno) }
        self.words = memory.bindMemory(to: Int64.self, capacity: 4)
    }

    deinit { munmap(self.words, Self.size) }

    func setDelay(seconds: Double) { self.words[0] = Int64(seconds * 1_000_000) }
    func setClockShift(seconds: Double) { self.words[1] = Int64(seconds * 1_000) }
    /// How many writes and syncs of the process were held up so far.
    var delayedCalls: Int64 { self.words[2] }
    /// How often the process was told a shifted time so far.
    var shiftedCalls: Int64 { self.words[3] }
}
