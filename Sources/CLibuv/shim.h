#ifndef THALWEG_CLIBUV_SHIM_H
#define THALWEG_CLIBUV_SHIM_H

#include <uv.h>

#endif
