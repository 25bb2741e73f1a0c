#ifndef THALWEG_COPENSSL_SHIM_H
#define THALWEG_COPENSSL_SHIM_H

#include "certificates.h"

#endif
