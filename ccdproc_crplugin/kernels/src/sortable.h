/* Single precision as integers of the same order. */
#ifndef CCDCR_SORTABLE_H
#define CCDCR_SORTABLE_H

#include <stdint.h>
#include <string.h>

/* A float's bits, arranged so that they sort as the float does. */
static inline uint32_t sortable(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static inline float from_sortable(uint32_t key)
{
    const uint32_t bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
