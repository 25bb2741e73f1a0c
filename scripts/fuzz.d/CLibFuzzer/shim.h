#ifndef THALWEG_CLIBFUZZER_SHIM_H
#define THALWEG_CLIBFUZZER_SHIM_H

#include <stddef.h>
#include <stdint.h>

/* https://llvm.org/docs/LibFuzzer.html, "Using libFuzzer as a library". Comes with the Swift toolchain's runtime. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#endif
