/* Sixteen neighbouring pixels of a row, worked on together.
 *
 * Every loop over LANES is one vector instruction where the processor has
 * 512-bit registers, two with 256 bits, four with 128. The compiler widens
 * them: there is nothing here that a particular processor must have. */
#ifndef CCDCR_LANES_H
#define CCDCR_LANES_H

#include <limits.h> /* defines __GLIBC__ where there is one */

enum { LANES = 16 };

/* One copy of the function for each width of the registers, chosen when the
 * library is loaded. That needs a loader with indirect functions. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(CCDCR_ONE_TARGET) \
    && ((defined(__GNUC__) && !defined(__clang__)) || (defined(__clang__) && __clang_major__ >= 18))
#define WIDENED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDENED
#endif

/* What a WIDENED function calls must be part of it, to be widened with it. */
#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#else
#define INLINED static inline
#endif

INLINED void sort_pair(float *restrict smaller, float *restrict larger)
{
    for (int i = 0; i < LANES; i++) {
        const float a = smaller[i], b = larger[i];
        smaller[i] = a < b ? a : b;
        larger[i] = a > b ? a : b;
    }
}

INLINED void keep_smaller(float *restrict kept, const float *restrict other)
{
    for (int i = 0; i < LANES; i++) {
        kept[i] = kept[i] < other[i] ? kept[i] : other[i];
    }
}

INLINED void keep_larger(float *restrict kept, const float *restrict other)
{
    for (int i = 0; i < LANES; i++) {
        kept[i] = kept[i] > other[i] ? kept[i] : other[i];
    }
}

#endif
