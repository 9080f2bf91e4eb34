/* What Python sees: `prepare`, `find` and `holes`, over the buffer protocol and the
 * stable interface of Python 3.11. The Python side has checked every value;
 * here only shapes and types are checked, because memory depends on them. */
#include <Python.h>

#include <stdlib.h>
#include <string.h>

#include "growth.h"
#include "holes.h"
#include "run.h"

/* --- arrays -------------------------------------------------------------- */

enum { MAX_VIEWS = 8 };

typedef struct {
    Py_buffer views[MAX_VIEWS];
    int n;
} Views;

static void release_views(Views *views)
{
    while (views->n > 0) {
        PyBuffer_Release(&views->views[--views->n]);
    }
}

static const Py_buffer *view_array(Views *views, PyObject *array, const char *name, const char *format,
                                   bool writable)
{
    Py_buffer *view = &views->views[views->n];
    const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(array, view, flags) != 0) {
        return NULL;
    }
    views->n++;
    if (view->ndim != 2 || strcmp(view->format, format) != 0) {
        PyErr_Format(PyExc_TypeError, "%s: found %d dimensions of type '%s', expected 2 of type '%s'", name,
                     view->ndim, view->format, format);
        return NULL;
    }
    return view;
}

/* The pixels of an array of the frame's shape, or NULL for None. */
static bool pixels_of(Views *views, PyObject *array, const char *name, const char *format, bool writable,
                      const Frame *frame, void **pixels)
{
    *pixels = NULL;
    if (array == Py_None) {
        return true;
    }
    const Py_buffer *view = view_array(views, array, name, format, writable);
    if (view == NULL) {
        return false;
    }
    if (view->shape[0] != frame->ny || view->shape[1] != frame->nx) {
        PyErr_Format(PyExc_ValueError, "%s: its shape is not the data's", name);
        return false;
    }
    *pixels = view->buf;
    return true;
}

static bool frame_of(Views *views, PyObject *data, PyObject *background, PyObject *variance, PyObject *extra,
                     PyObject *cleaned, Frame *frame)
{
    *frame = (Frame){0};
    const Py_buffer *view = view_array(views, data, "data", "f", false);
    if (view == NULL) {
        return false;
    }
    if (view->shape[0] > INT32_MAX / 4 || view->shape[1] > INT32_MAX / 4) {
        PyErr_SetString(PyExc_ValueError, "data: an axis is too long");
        return false;
    }
    frame->ny = (int)view->shape[0];
    frame->nx = (int)view->shape[1];
    frame->data = view->buf;
    void *pixels[4];
    if (!pixels_of(views, background, "background", "f", false, frame, &pixels[0])
        || !pixels_of(views, variance, "variance", "f", false, frame, &pixels[1])
        || !pixels_of(views, extra, "extra", "f", false, frame, &pixels[2])
        || !pixels_of(views, cleaned, "cleaned", "f", true, frame, &pixels[3])) {
        return false;
    }
    frame->background = pixels[0];
    frame->variance = pixels[1];
    frame->extra = pixels[2];
    frame->cleaned = pixels[3];
    return true;
}

/* --- options: attributes of kernels.options.Options ---------------------- */

static double number_of(PyObject *options, const char *name)
{
    PyObject *value = PyObject_GetAttrString(options, name);
    const double number = value != NULL ? PyFloat_AsDouble(value) : -1.0;
    Py_XDECREF(value);
    return number;
}

static int integer_of(PyObject *options, const char *name)
{
    return (int)number_of(options, name);
}

/* The place of a word in a list, which is in the order of the C enumeration. */
static int choice_of(PyObject *options, const char *name, const char *const words[])
{
    PyObject *word = PyObject_GetAttrString(options, name);
    PyObject *bytes = word != NULL ? PyUnicode_AsUTF8String(word) : NULL;
    int choice = 0;
    while (bytes != NULL && words[choice] != NULL && strcmp(words[choice], PyBytes_AsString(bytes)) != 0) {
        choice++;
    }
    if (bytes != NULL && words[choice] == NULL) {
        PyErr_Format(PyExc_ValueError, "unknown %s", name);
    }
    Py_XDECREF(bytes);
    Py_XDECREF(word);
    return choice;
}

static const char *const EDGES_WORDS[] = {"search", "skip", NULL};
static const char *const REPAIR_WORDS[] = {"none", "meanmask", "medmask", "median", "idw", "iraf", NULL};

static bool psf_of(Views *views, PyObject *options, PsfKernel *psf)
{
    PyObject *kernel = PyObject_GetAttrString(options, "psf_kernel");
    bool good = kernel != NULL;
    if (good && kernel != Py_None) {
        const Py_buffer *view = view_array(views, kernel, "psf_kernel", "f", false);
        good = view != NULL;
        if (good) {
            *psf = (PsfKernel){(int)view->shape[0], (int)view->shape[1], view->buf};
        }
    }
    Py_XDECREF(kernel);
    return good;
}

static bool options_of(Views *views, PyObject *object, int n_threads, Options *options)
{
    *options = (Options){
        .sigclip = (float)number_of(object, "sigclip"),
        .sigclip_low = (float)number_of(object, "sigclip_low"),
        .objlim = (float)number_of(object, "objlim"),
        .readnoise2 = (float)number_of(object, "readnoise2"),
        .scores_above = (float)number_of(object, "scores_above"),
        .niter = integer_of(object, "niter"),
        .sepmed = integer_of(object, "sepmed") != 0,
        .edges = (Edges)choice_of(object, "edges", EDGES_WORDS),
        .repair = (Repair)choice_of(object, "search_repair", REPAIR_WORDS),
        .n_threads = n_threads > 0 ? n_threads : 1,
    };
    return psf_of(views, object, &options->psf) && !PyErr_Occurred();
}

/* --- the functions ------------------------------------------------------- */

static PyObject *prepare(PyObject *module, PyObject *args)
{
    PyObject *data, *background, *cleaned;
    int n_threads;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOi:prepare", &data, &background, &cleaned, &n_threads)) {
        return NULL;
    }
    Views views = {.n = 0};
    Frame frame;
    Survey survey;
    PyObject *result = NULL;
    if (frame_of(&views, data, background, Py_None, Py_None, cleaned, &frame)) {
        bool done;
        Py_BEGIN_ALLOW_THREADS
        done = prepare_cleaned(&frame, n_threads, &survey);
        Py_END_ALLOW_THREADS
        result = done ? Py_BuildValue("Of", survey.all_finite ? Py_True : Py_False, (double)survey.brightest)
                      : PyErr_NoMemory();
    }
    release_views(&views);
    return result;
}

static PyObject *find(PyObject *module, PyObject *args)
{
    PyObject *data, *background, *variance, *extra, *cleaned, *flagged, *bad, *object;
    int n_threads;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOOOOOi:find", &data, &background, &variance, &extra, &cleaned, &flagged,
                          &bad, &object, &n_threads)) {
        return NULL;
    }
    Views views = {.n = 0};
    Frame frame;
    Options options;
    void *flagged_pixels, *bad_pixels;
    PyObject *result = NULL;
    if (cleaned == Py_None || flagged == Py_None) {
        PyErr_SetString(PyExc_TypeError, "cleaned and flagged: found None, expected arrays");
    } else if (frame_of(&views, data, background, variance, extra, cleaned, &frame)
        && pixels_of(&views, flagged, "flagged", "?", true, &frame, &flagged_pixels)
        && pixels_of(&views, bad, "bad", "?", false, &frame, &bad_pixels)
        && options_of(&views, object, n_threads, &options)) {
        RunResult run;
        bool done;
        frame.flagged = flagged_pixels;
        frame.bad = bad_pixels;
        Py_BEGIN_ALLOW_THREADS
        done = find_cosmic_rays(&frame, &options, &run);
        Py_END_ALLOW_THREADS
        /* not "y#", whose meaning is another one from version to version */
        result = done ? Py_BuildValue("iN", run.n_iterations,
                                      PyBytes_FromStringAndSize((const char *)run.scores,
                                                                (Py_ssize_t)(run.n_scores * sizeof *run.scores)))
                      : PyErr_NoMemory();
        free(run.scores);
    }
    release_views(&views);
    return result;
}

/* --- the two functions of growth ------------------------------------------ */

static bool events_of(Views *views, PyObject *data, PyObject *extra, PyObject *flagged, PyObject *bad, bool writable,
                      Frame *frame)
{
    void *flagged_pixels, *bad_pixels;
    if (!frame_of(views, data, Py_None, Py_None, extra, Py_None, frame)
        || !pixels_of(views, flagged, "flagged", "?", writable, frame, &flagged_pixels)
        || !pixels_of(views, bad, "bad", "?", false, frame, &bad_pixels)) {
        return false;
    }
    frame->flagged = flagged_pixels;
    frame->bad = bad_pixels;
    return true;
}

static PyObject *front(PyObject *module, PyObject *args)
{
    PyObject *data, *flagged, *bad, *object;
    Py_buffer seeds = {0};
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOO:front", &data, &flagged, &bad, &object)
        || (object != Py_None && PyObject_GetBuffer(object, &seeds, PyBUF_SIMPLE) != 0)) {
        return NULL;
    }
    Views views = {.n = 0};
    Frame frame;
    PyObject *result = NULL;
    if (events_of(&views, data, Py_None, flagged, bad, true, &frame)) {
        size_t n;
        int64_t *pixels;
        Py_BEGIN_ALLOW_THREADS
        pixels = growth_front(&frame, seeds.buf, (size_t)seeds.len / sizeof *pixels, &n);
        Py_END_ALLOW_THREADS
        result = pixels != NULL ? PyBytes_FromStringAndSize((const char *)pixels, (Py_ssize_t)(n * sizeof *pixels))
                                : PyErr_NoMemory();
        free(pixels);
    }
    release_views(&views);
    if (seeds.obj != NULL) {
        PyBuffer_Release(&seeds);
    }
    return result;
}

static PyObject *beside(PyObject *module, PyObject *args)
{
    PyObject *data, *extra, *flagged, *bad;
    Py_buffer pixels;
    double readnoise2, least;
    int n_threads;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOy*ddi:beside", &data, &extra, &flagged, &bad, &pixels, &readnoise2, &least,
                          &n_threads)) {
        return NULL;
    }
    Views views = {.n = 0};
    Frame frame;
    PyObject *result = NULL;
    if (events_of(&views, data, extra, flagged, bad, false, &frame)) {
        const size_t n = (size_t)pixels.len / sizeof(int64_t);
        result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(n * sizeof(Beside)));
        if (result != NULL) {
            Beside *measured = (Beside *)PyBytes_AsString(result);
            Py_BEGIN_ALLOW_THREADS
            measure_pixels(&frame, pixels.buf, n, readnoise2, least, n_threads, measured);
            Py_END_ALLOW_THREADS
        }
    }
    release_views(&views);
    PyBuffer_Release(&pixels);
    return result;
}

/* --- holes ------------------------------------------------------------------- */

static PyObject *holes(PyObject *module, PyObject *args)
{
    PyObject *data, *found;
    int y0;
    double limit;
    (void)module;
    if (!PyArg_ParseTuple(args, "OidO:holes", &data, &y0, &limit, &found)) {
        return NULL;
    }
    Views views = {.n = 0};
    PyObject *result = NULL;
    const Py_buffer *pixels = view_array(&views, data, "data", "f", false);
    const Py_buffer *marks = pixels != NULL ? view_array(&views, found, "found", "?", true) : NULL;
    if (marks != NULL && (pixels->shape[0] > INT32_MAX / 4 || pixels->shape[1] > INT32_MAX / 4
                          || marks->shape[1] != pixels->shape[1] || y0 < 0
                          || marks->shape[0] > pixels->shape[0] - y0)) {
        PyErr_SetString(PyExc_ValueError, "found: its rows are not some of the data's");
    } else if (marks != NULL) {
        bool done, any;
        Py_BEGIN_ALLOW_THREADS
        done = find_holes(pixels->buf, (int)pixels->shape[0], (int)pixels->shape[1], y0, (int)marks->shape[0],
                          (float)limit, marks->buf, &any);
        Py_END_ALLOW_THREADS
        result = done ? PyBool_FromLong(any) : PyErr_NoMemory();
    }
    release_views(&views);
    return result;
}

static PyMethodDef METHODS[] = {
    {"prepare", prepare, METH_VARARGS,
     "prepare(data, background, cleaned, threads)\n--\n\n"
     "Fill cleaned, if not None, with data - background; return whether all are finite, and the brightest of the data."},
    {"find", find, METH_VARARGS,
     "find(data, background, variance, extra, cleaned, flagged, bad, options, threads)\n--\n\n"
     "Flag and repair cosmic rays in place; return the number of iterations and the scores as bytes."},
    {"front", front, METH_VARARGS,
     "front(data, flagged, bad, seeds)\n--\n\n"
     "Free pixels next to the seeds (None: to all flagged ones), as the bytes of int64 places in the frame."},
    {"beside", beside, METH_VARARGS,
     "beside(data, extra, flagged, bad, pixels, readnoise2, least, threads)\n--\n\n"
     "Measure pixels at these places; return four doubles for each, as bytes."},
    {"holes", holes, METH_VARARGS,
     "holes(data, y0, limit, found)\n--\n\n"
     "Mark in found, as many rows from y0 on, the pixels more than limit below others on both sides; return if any."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_lacosmic", "L.A.Cosmic over float32 arrays.", 0, METHODS, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__lacosmic(void)
{
    return PyModuleDef_Init(&MODULE);
}
