/* Whole numbers that several threads change and read. */
#ifndef CCDCR_SHARED_H
#define CCDCR_SHARED_H

#if defined(_MSC_VER)

#include <intrin.h>

typedef volatile long SharedInt;

static inline int shared_add(SharedInt *shared, int more)
{
    return (int)_InterlockedExchangeAdd(shared, more);
}

static inline void shared_set(SharedInt *shared, int value)
{
    _InterlockedExchange(shared, value);
}

static inline int shared_get(SharedInt *shared)
{
    return (int)_InterlockedOr(shared, 0);
}

#else

#include <stdatomic.h>

typedef atomic_int SharedInt;

/* Adds to the number; its value before. */
static inline int shared_add(SharedInt *shared, int more)
{
    return atomic_fetch_add(shared, more);
}

static inline void shared_set(SharedInt *shared, int value)
{
    atomic_store(shared, value);
}

static inline int shared_get(SharedInt *shared)
{
    return atomic_load(shared);
}

#endif

#endif
