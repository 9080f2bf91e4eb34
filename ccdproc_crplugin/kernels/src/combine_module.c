/* What Python sees of the combining: `combine` and `median`, over the buffer protocol and the stable
 * interface of Python 3.11. The Python side has checked every value; here only the lengths of arrays
 * are checked, because memory depends on them. */
#include <Python.h>

#include "stack.h"

enum { MAX_ARRAYS = 10 };

typedef struct {
    Py_buffer views[MAX_ARRAYS];
    int n;
} Arrays;

static void release_arrays(Arrays *arrays)
{
    while (arrays->n > 0) {
        PyBuffer_Release(&arrays->views[--arrays->n]);
    }
}

/* The memory of an array of `n` numbers of `size` bytes, or NULL with an error set. */
static void *array_of(Arrays *arrays, PyObject *object, const char *name, ptrdiff_t n, size_t size, bool writable)
{
    Py_buffer *view = &arrays->views[arrays->n];
    if (PyObject_GetBuffer(object, view, writable ? PyBUF_CONTIG : PyBUF_CONTIG_RO) != 0) {
        return NULL;
    }
    arrays->n++;
    if (view->itemsize != (Py_ssize_t)size || view->len != n * (Py_ssize_t)size) {
        PyErr_Format(PyExc_ValueError, "%s: found %zd bytes, expected %zd numbers of %zd", name, view->len,
                     (Py_ssize_t)n, (Py_ssize_t)size);
        return NULL;
    }
    return view->buf;
}

/* The same where None stands for no array; false after an error. */
static bool optional_array_of(Arrays *arrays, PyObject *object, const char *name, ptrdiff_t n, size_t size,
                              const void *result)
{
    void **memory = (void **)result;
    *memory = NULL;
    if (object == Py_None) {
        return true;
    }
    *memory = array_of(arrays, object, name, n, size, false);
    return *memory != NULL;
}

/* From (stored, n_frames, n_pixels, storage, swapped, zero, offset, slope, factors). */
static bool stack_of(Arrays *arrays, PyObject *tuple, PyObject *scales, Stack *stack)
{
    PyObject *stored, *offset, *slope, *factors;
    int storage, swapped;
    *stack = (Stack){0};
    if (!PyArg_ParseTuple(tuple, "OiniidOOO", &stored, &stack->n_frames, &stack->n_pixels, &storage, &swapped,
                          &stack->zero, &offset, &slope, &factors)) {
        return false;
    }
    if (stack->n_frames < 1 || stack->n_frames > UINT16_MAX || stack->n_pixels < 0
        || stack->n_pixels > PTRDIFF_MAX / 4 / stack->n_frames) {
        PyErr_SetString(PyExc_ValueError, "stack: too many frames or pixels, or none");
        return false;
    }
    stack->storage = (Storage)storage;
    stack->swapped = swapped != 0;
    stack->stored = array_of(arrays, stored, "stored", stack->n_frames * stack->n_pixels,
                             stack->storage == STORED_FLOAT32 ? 4 : 2, false);
    return stack->stored != NULL
           && optional_array_of(arrays, offset, "offset", stack->n_pixels, sizeof(float), &stack->offset)
           && optional_array_of(arrays, slope, "slope", stack->n_pixels, sizeof(float), &stack->slope)
           && optional_array_of(arrays, factors, "factors", stack->n_frames, sizeof(double), &stack->factors)
           && optional_array_of(arrays, scales, "scales", stack->n_frames, sizeof(double), &stack->scales);
}

/* From (image, uncertainty, n_used, n_rejected, n_bad, swapped). */
static bool combined_of(Arrays *arrays, PyObject *tuple, const Stack *stack, Combined *combined)
{
    PyObject *image, *uncertainty, *n_used, *n_rejected, *n_bad;
    const ptrdiff_t n_pixels = stack->n_pixels, n_frames = stack->n_frames;
    int swapped;
    if (!PyArg_ParseTuple(tuple, "OOOOOi", &image, &uncertainty, &n_used, &n_rejected, &n_bad, &swapped)) {
        return false;
    }
    combined->swapped = swapped != 0;
    return true
           && (combined->image = array_of(arrays, image, "image", n_pixels, sizeof(float), true))
           && (combined->uncertainty = array_of(arrays, uncertainty, "uncertainty", n_pixels, sizeof(float), true))
           && (combined->n_used = array_of(arrays, n_used, "n_used", n_pixels, sizeof(uint16_t), true))
           && (combined->n_rejected = array_of(arrays, n_rejected, "n_rejected", n_frames, sizeof(int64_t), true))
           && (combined->n_bad = array_of(arrays, n_bad, "n_bad", n_frames, sizeof(int64_t), true));
}

static PyObject *combine(PyObject *module, PyObject *args)
{
    PyObject *stack_tuple, *scales, *combined_tuple;
    int median, clip_scaled;
    Arrays arrays = {.n = 0};
    Stack stack;
    Combined combined;
    CombineOptions options;
    PyObject *result = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!OO!(piddp)i:combine", &PyTuple_Type, &stack_tuple, &scales, &PyTuple_Type,
                          &combined_tuple, &median, &options.n_iterations, &options.sigma_low,
                          &options.sigma_high, &clip_scaled, &options.n_threads)) {
        return NULL;
    }
    options.median = median != 0;
    options.clip_scaled = clip_scaled != 0;
    options.n_threads = options.n_threads > 0 ? options.n_threads : 1;
    if (stack_of(&arrays, stack_tuple, scales, &stack) && combined_of(&arrays, combined_tuple, &stack, &combined)) {
        bool done;
        Py_BEGIN_ALLOW_THREADS
        done = combine_stack(&stack, &options, &combined);
        Py_END_ALLOW_THREADS
        result = done ? Py_NewRef(Py_None) : PyErr_NoMemory();
    }
    release_arrays(&arrays);
    return result;
}

static PyObject *median(PyObject *module, PyObject *args)
{
    PyObject *stack_tuple;
    int frame;
    Arrays arrays = {.n = 0};
    Stack stack;
    PyObject *result = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!i:median", &PyTuple_Type, &stack_tuple, &frame)) {
        return NULL;
    }
    if (stack_of(&arrays, stack_tuple, Py_None, &stack)) {
        if (frame < 0 || frame >= stack.n_frames) {
            PyErr_SetString(PyExc_IndexError, "frame: not in the stack");
        } else {
            double value;
            bool done;
            Py_BEGIN_ALLOW_THREADS
            done = median_of_frame(&stack, frame, &value);
            Py_END_ALLOW_THREADS
            result = done ? PyFloat_FromDouble(value) : PyErr_NoMemory();
        }
    }
    release_arrays(&arrays);
    return result;
}

static PyMethodDef METHODS[] = {
    {"combine", combine, METH_VARARGS,
     "combine(stack, scales, combined, options, threads)\n--\n\nFill the arrays of combined."},
    {"median", median, METH_VARARGS,
     "median(stack, frame)\n--\n\nThe median of the finite pixels of a frame."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_combine", "Stacks of frames, combined.", 0, METHODS, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__combine(void)
{
    return PyModuleDef_Init(&MODULE);
}
