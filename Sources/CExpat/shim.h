#ifndef THALWEG_CEXPAT_SHIM_H
#define THALWEG_CEXPAT_SHIM_H

#include <expat.h>

#endif
