/* fovea.h -- image classification networks on CPUs: the whole public interface, in the order of the data.
 * Functions that can fail return fv_status, give their result through the first pointer (NULL on failure) and
 * tell the failure in `err`, which may be NULL. What _new or _open gives, _free takes back; _free(NULL) is fine.
 * The library never prints, never exits, never reads the environment and keeps no global state.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_H
#define FOVEA_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(FV_BUILD_SHARED)
#define FV_API __attribute__((visibility("default")))
#else
#define FV_API
#endif

#define FV_VERSION "0.1.0"
FV_API const char *fv_version(void);

/* ---- status ---------------------------------------------------------------------------------------------- */

/* One table: code, exit code of the command, text. */
// clang-format off
#define FV_STATUS_MAP(X)                                                \
    X(OK,            0, "ok")                                           \
    X(FAILED,        1, "a check failed")                               \
    X(ARG,           2, "invalid argument")                             \
    X(SHAPE,        65, "shape mismatch")                               \
    X(FORMAT,       65, "malformed data")                               \
    X(UNSUP,        65, "not supported")                                \
    X(NOINPUT,      66, "no such input")                                \
    X(BUG,          70, "internal error")                               \
    X(DIVERGED,     70, "the run diverged")                             \
    X(NOMEM,        71, "out of memory")                                \
    X(CREATE,       73, "cannot create")                                \
    X(IO,           74, "input/output error")                           \
    X(STOPPED,      75, "stopped; can be resumed")                      \
    X(INTERRUPTED, 130, "interrupted")
// clang-format on

typedef enum fv_status {
#define X(code, exit_code, text) FV_##code,
    FV_STATUS_MAP(X)
#undef X
        FV_STATUS_COUNT
} fv_status;

/* Where a failure is told: on the caller's stack, zero before use. The first failure is kept. */
typedef struct fv_err {
    fv_status status;
    char msg[500];
} fv_err;

FV_API const char *fv_status_text(fv_status s);
FV_API int fv_status_exit(fv_status s); /* the command's exit code for it */

/* ---- environment ----------------------------------------------------------------------------------------- */

/* Memory. alloc gives 64-byte aligned memory or NULL; both may be called from several threads at once. */
typedef struct fv_allocator {
    void *(*alloc)(void *user, size_t bytes);
    void (*release)(void *user, void *p);
    void *user;
} fv_allocator;

typedef enum fv_log_level { FV_LOG_INFO, FV_LOG_WARN } fv_log_level;

/* Highest instruction set to use; FV_CPU_BEST is what this CPU has. Each takes in those before it of the same
 * family, x86 or ARM (NEON); one of the other family leaves the plain C kernels, as FV_CPU_REF does. */
typedef enum fv_cpu {
    FV_CPU_BEST,
    FV_CPU_REF,
    FV_CPU_AVX2,
    FV_CPU_AVX512,
    FV_CPU_AMX,
    FV_CPU_NEON,
    FV_CPU_COUNT
} fv_cpu;

/* What the library takes from its host; zero is a good default, and so is a NULL fv_env. Copied by each _open. */
typedef struct fv_env {
    const fv_allocator *heap; /* NULL: malloc; must outlive everything made with it */
    void (*log)(void *user, fv_log_level level, const char *text); /* NULL: silence */
    void *log_user;
    int threads; /* 0: the cores that affinity and the cgroup allow */
    fv_cpu cpu;
    bool exact;      /* no minimal filtering (Winograd): sums of products as they are written; slower */
    bool low_memory; /* inference: no Winograd, whose weights are larger; large values in bands of rows */
    bool autotune;   /* inference: plans time variants of blocks and of the order of images that give the same bits */
    const char *wisdom; /* the file that keeps what was timed, for it is timed once; NULL: none. It outlives all */
} fv_env;

FV_API int fv_cores(void);                  /* cores that affinity and the cgroup quota allow, at least 1 */
FV_API fv_cpu fv_cpu_level(void);           /* what this CPU and kernel offer */
FV_API const char *fv_cpu_name(fv_cpu cpu); /* "ref", "avx2", "avx512", "amx", "neon" */

/* ---- graphs: how a network is written -------------------------------------------------------------------- */

typedef struct fv_shape {
    int n, h, w, c; /* images, rows, columns, channels: the order in memory; n is 1 in a graph */
} fv_shape;
typedef struct fv_graph fv_graph;
typedef struct fv_val {
    int id; /* a value of the graph it came from */
} fv_val;

typedef enum fv_act {
    FV_ACT_NONE,
    FV_ACT_RELU,
    FV_ACT_RELU6,
    FV_ACT_SIGMOID,
    FV_ACT_TANH,
    FV_ACT_SILU,         /* x * sigmoid(x) */
    FV_ACT_HARD_SIGMOID, /* relu6(x + 3) / 6 */
    FV_ACT_HARD_SWISH,   /* x * relu6(x + 3) / 6 */
    FV_ACT_COUNT
} fv_act;

/* Initialisers of weights; fan_in = weights per output, fan_out = outputs x kernel area (PyTorch's rules). */
typedef enum fv_init_kind {
    FV_INIT_DEFAULT,        /* the graph's default: FV_INIT_TORCH unless fv_default_init says otherwise */
    FV_INIT_TORCH,          /* U(-b, b), b = 1/sqrt(fan_in), for weights and biases */
    FV_INIT_HE_FAN_IN,      /* N(0, sqrt(2/fan_in)), bias 0; He et al. 2015, eq. 10 */
    FV_INIT_HE_FAN_OUT,     /* N(0, sqrt(2/fan_out)), bias 0; eq. 14 */
    FV_INIT_XAVIER_UNIFORM, /* U(-b, b), b = sqrt(6/(fan_in+fan_out)), bias 0; Glorot, Bengio 2010, eq. 16 */
    FV_INIT_NORMAL,         /* N(0, a), bias 0 */
    FV_INIT_TRUNC_NORMAL,   /* N(0, a) cut at two a, bias 0 */
    FV_INIT_UNIFORM,        /* U(-a, a), bias 0 */
    FV_INIT_CONSTANT        /* a */
} fv_init_kind;
typedef struct fv_init {
    fv_init_kind kind;
    float a;
    float bias; /* what biases begin with, where the kind says 0 */
} fv_init;

/* Zero fields take the default in brackets. */
typedef struct fv_conv {
    int out;              /* output channels */
    int k, kw;            /* kernel height [1], width [k] */
    int stride, stride_w; /* [1], [stride] */
    int pad;              /* zeros on all four sides */
    int pads[4];          /* top, left, bottom, right; used instead of pad where any is not 0 */
    bool same;            /* TensorFlow's SAME padding, of whatever size the input has; pad and pads do not count */
    int dilation;         /* [1] */
    int groups;           /* [1] */
    bool bias;
    fv_init init;
} fv_conv;
typedef struct fv_bn {
    float eps;      /* [1e-5] */
    float momentum; /* running = (1 - momentum) * running + momentum * batch [0.1] */
} fv_bn;
typedef struct fv_pool {
    int k, kw;            /* window */
    int stride, stride_w; /* [1], [stride] */
    int pad;              /* on all four sides */
    bool ceil_mode;       /* round the output size up; the last window still starts inside (NETWORKS 0) */
    bool exclude_pad;     /* average pooling divides by the pixels inside only; PyTorch's count_include_pad=False */
} fv_pool;
typedef struct fv_lrn {
    int n;                /* [5] channels in the window */
    float alpha, beta, k; /* b = a / (k + alpha * sum a^2)^beta, not divided by n; [1e-4, 0.75, 2] */
} fv_lrn;
typedef struct fv_padding {
    int top, left, bottom, right, c_front, c_back; /* zeros to add */
} fv_padding;

/* The builder keeps the first failure and then returns harmless values; fv_graph_check tells it at the end.
 * `name` is the module's name in the state dict, under the scopes pushed with fv_scope. */
FV_API fv_status fv_graph_new(fv_graph **g, const fv_env *env, fv_err *err);
FV_API void fv_graph_free(fv_graph *g);
FV_API fv_status fv_graph_check(const fv_graph *g, fv_err *err);
FV_API void fv_scope(fv_graph *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));                   /* pushes a name; NULL pops */
FV_API void fv_fail_graph(fv_graph *g, const char *fmt, ...) /* a model file's own complaint, FV_SHAPE */
    __attribute__((format(printf, 2, 3)));
FV_API void fv_default_init(fv_graph *g, fv_init conv, fv_init linear); /* for the modules that follow */
FV_API void fv_name(fv_graph *g, fv_val x, const char *name);           /* names a value: for features */
FV_API void fv_output(fv_graph *g, fv_val x);                           /* the graph's result */
/* A classifier beside the main one, 1 x 1 x classes: training adds weight * its cross-entropy to the loss; inference
 * leaves out what only such classifiers need. At most 4. */
FV_API void fv_aux_output(fv_graph *g, fv_val logits, float weight);
FV_API fv_val fv_input(fv_graph *g, const char *name, int h, int w, int c);
FV_API fv_shape fv_shape_of(const fv_graph *g, fv_val x);
FV_API int fv_channels(const fv_graph *g, fv_val x);

FV_API fv_val fv_conv2d(fv_graph *g, fv_val x, const char *name, fv_conv p);
FV_API fv_val fv_linear(fv_graph *g, fv_val x, const char *name,
                        int out); /* with bias; flattens like PyTorch: C, H, W */
FV_API fv_val fv_linear_no_bias(fv_graph *g, fv_val x, const char *name, int out);
FV_API fv_val fv_batchnorm(fv_graph *g, fv_val x, const char *name, fv_bn p);
FV_API fv_val fv_lrn2d(fv_graph *g, fv_val x, fv_lrn p);
FV_API fv_val fv_maxpool(fv_graph *g, fv_val x, fv_pool p);
FV_API fv_val fv_avgpool(fv_graph *g, fv_val x, fv_pool p);
FV_API fv_val fv_global_avgpool(fv_graph *g, fv_val x);
FV_API fv_val fv_activate(fv_graph *g, fv_val x, fv_act act);
FV_API fv_val fv_relu(fv_graph *g, fv_val x);
FV_API fv_val fv_add(fv_graph *g, fv_val a, fv_val b);
FV_API fv_val fv_mul(fv_graph *g, fv_val a, fv_val b);             /* b may be 1 x 1 x c: one factor per channel */
FV_API fv_val fv_concat(fv_graph *g, const fv_val *x, int n);      /* along channels */
FV_API fv_val fv_slice(fv_graph *g, fv_val x, int begin, int end); /* channels [begin, end) */
FV_API fv_val fv_shuffle(fv_graph *g, fv_val x, int groups);       /* channel shuffle, ShuffleNet section 3.1 */
FV_API fv_val fv_pad(fv_graph *g, fv_val x, fv_padding p);
FV_API fv_val fv_dropout(fv_graph *g, fv_val x, float p);   /* per element; inverted scaling */
FV_API fv_val fv_drop_path(fv_graph *g, fv_val x, float p); /* per sample: stochastic depth */
FV_API fv_val fv_flatten(fv_graph *g, fv_val x);            /* to 1 x 1 x (C*H*W), in PyTorch's order C, H, W */
/* Loss of each image, 1 x 1 x 1. target: 1 x 1 x classes, a distribution; it is mixed with smoothing/classes. */
FV_API fv_val fv_softmax_xent(fv_graph *g, fv_val logits, fv_val target, float smoothing);

/* ---- networks -------------------------------------------------------------------------------------------- */

typedef enum fv_filter { FV_FILTER_DEFAULT, FV_BILINEAR, FV_BICUBIC } fv_filter;
typedef enum fv_norm {
    FV_NORM_IMAGENET, /* by the mean and deviation of ImageNet's colours */
    FV_NORM_UNIT,     /* to [-1, 1] */
    FV_NORM_BYTES,    /* not at all: 0 to 255, blue first */
    FV_NORM_CAFFE     /* 0 to 255, blue first, less the mean colour of ImageNet */
} fv_norm;
typedef enum fv_stem { FV_STEM_DEFAULT, FV_STEM_IMAGENET, FV_STEM_CIFAR } fv_stem; /* CIFAR: 3x3 stride 1, no pooling */
typedef struct fv_build {
    int classes;
    fv_stem stem;
    double drop_path; /* stochastic depth: chance that the last block is left out; 0: the network's own, below: none */
} fv_build;
typedef fv_val fv_build_fn(fv_graph *g, fv_val image, const void *cfg, const fv_build *b);

/* A row of the zoo. params and macs are those of the network that runs at inference with 1000 classes (10 for the
 * CIFAR forms), at `size` pixels. */
typedef struct fv_model {
    const char *name, *family;
    fv_build_fn *build;
    const void *cfg;
    int size, resize; /* of the input; the picture's shorter side before the centre crop, as published */
    fv_filter filter; /* likewise */
    fv_norm norm;     /* of the pixels, likewise */
    int classes;
    int64_t params, macs;
    double top1;        /* published accuracy, percent: ImageNet, or CIFAR-10 for the CIFAR forms; 0: none */
    const char *source; /* of the accuracy */
} fv_model;

FV_API const fv_model *fv_model_at(int i);              /* NULL past the end */
FV_API const fv_model *fv_model_find(const char *name); /* by its name or an alias; NULL: no such network */
FV_API const char *fv_model_nearest(const char *name);  /* the closest name or alias there is */
/* Alias i, what other libraries or the authors call a network; NULL past the end. */
FV_API const char *fv_model_alias_at(int i, const char **network);

/* Weights that somebody published for a network, and how they want their pictures. A weights file that is called as
 * the published one (whatever its extension) is fed so. */
typedef struct fv_published {
    const char *network;
    const char *weights, *file, *publisher; /* their tag, the file's name, who offers it */
    int size, resize;                       /* as in fv_model */
    fv_filter filter;
    fv_norm norm;
    double top1, top5; /* percent on ImageNet's validation set, one centre crop; 0: not told */
} fv_published;
FV_API const fv_published *fv_published_at(int i); /* a network's usual one first; NULL past the end */

/* Test-time augmentation: an answer is the mean of the probabilities of several views of a picture. */
typedef enum fv_tta {
    FV_TTA_NONE,
    FV_TTA_FLIP, /* the centre crop, and its mirror image */
    FV_TTA_FIVE, /* the corners and the centre of the resized picture */
    FV_TTA_TEN   /* the five and their mirror images */
} fv_tta;
/* How a picture becomes the network's input (doc/FORMATS.md). Zero fields of a request mean "as the model says". */
typedef enum fv_order { FV_ORDER_DEFAULT, FV_RGB, FV_BGR } fv_order;
typedef enum fv_exif { FV_EXIF_DEFAULT, FV_EXIF_APPLY, FV_EXIF_IGNORE } fv_exif;
typedef struct fv_prep {
    int h, w;     /* of the network's input */
    int channels; /* 1 or 3 */
    int resize;   /* shorter side before the centre crop; 0: none, the picture has the right size */
    fv_filter filter;
    fv_exif exif;
    float mean[3], std[3]; /* of x / 255, in the order of the channels; std 0: unset */
    fv_order order;        /* of three channels; FV_RGB where nobody says */
    fv_tta tta;            /* fv_views(tta) inputs are made of a picture, one behind the other; never a model's own */
} fv_prep;

/* How a tensor of a weight file and a parameter of the network met. */
typedef enum fv_match {
    FV_MATCH_SAME,
    FV_MATCH_RENAMED,   /* another library's name for it */
    FV_MATCH_FRESH,     /* a classifier of other classes: not read */
    FV_MATCH_MISSING,   /* a parameter without a tensor */
    FV_MATCH_EXTRA,     /* a tensor without a parameter */
    FV_MATCH_MISSHAPEN, /* `why` has both shapes */
    FV_MATCH_COUNT
} fv_match;
typedef struct fv_match_line {
    fv_match kind;
    const char *tensor, *param; /* the file's name, the network's; NULL: none */
    const char *why;            /* or NULL */
} fv_match_line;
typedef void fv_match_fn(void *user, const fv_match_line *line);

typedef struct fv_net fv_net;
typedef struct fv_net_opts {
    const char *weights; /* safetensors, PyTorch's .pth or NumPy's .npz; NULL: initialised from seed */
    int classes;         /* 0: what the weights' metadata, then the model, say */
    int size;            /* input height and width; 0: the model's */
    int channels;        /* 0: 3 */
    fv_stem stem;
    double drop_path; /* as in fv_build */
    uint64_t seed;
    bool no_weights;        /* leave them zero: to look at the network only */
    const char *names_file; /* class names, one a line, in the place of those that the weights bring */
    bool ema;               /* of a checkpoint with moving averages: those */
    bool strict;            /* weights that are not finite are FV_FORMAT, not a warning */
    bool low_memory;        /* weights stay in their file, held open; a plan packs them from there (doc/FORMATS.md) */
    fv_match_fn *match;     /* NULL, or told of each tensor and parameter while the weights are read, fitting or not */
    void *match_user;
} fv_net_opts;
typedef struct fv_net_info {
    const char *name, *family;
    int classes;
    int64_t params, macs;
    fv_prep prep;
    const char *const *class_names; /* its own; else ImageNet's, where it has 1000 classes; else NULL: unknown */
    fv_stem stem;
    bool has_weights;   /* read from a file, not from the initialisers */
    int64_t aux_params; /* of classifiers that only training uses; not among params */
} fv_net_info;

/* `model` is a network's name, or a model file that Fovea wrote and that knows its network. */
FV_API fv_status fv_net_open(fv_net **net, const char *model, const fv_net_opts *opts, const fv_env *env, fv_err *err);
/* The network of the zoo that a weight file fits best, its classes aside; *share: how well, 1 is entirely. */
FV_API fv_status fv_model_guess(const char **name, double *share, const char *weights, const fv_env *env, fv_err *err);
/* A network of one's own; takes the graph over, also on failure. */
FV_API fv_status fv_net_of_graph(fv_net **net, fv_graph *g, const char *name, const fv_prep *prep, uint64_t seed,
                                 const fv_env *env, fv_err *err);
/* A network of layers one after another, written as "conv7/2p3:64 pool3/2p1 conv3p1:64*4 gap fc:10" (doc/ANALYSIS.md),
 * on an input of size x size x channels unless the list begins with one: to calculate with. */
FV_API fv_status fv_net_of_layers(fv_net **net, const char *layers, int size, int channels, const fv_env *env,
                                  fv_err *err);
FV_API void fv_net_free(fv_net *net);
FV_API void fv_net_describe(const fv_net *net, fv_net_info *info);
/* Writes a model file: all of it, at once. A path that ends in .npz: NumPy's archive, of the weights only. */
FV_API fv_status fv_net_save(const fv_net *net, const char *path, fv_err *err);

/* What a layer costs at inference, as it is written: a plan folds and fuses some of it away. Counts are of one image. */
typedef struct fv_cost {
    int64_t params, macs;  /* trained parameters; multiply-adds of convolutions and linear layers */
    int64_t out;           /* values that it makes: activation memory */
    int64_t moved;         /* values that it reads and writes; 0 where its output is its input by another name */
    int64_t memory_access; /* moved + weights: ShuffleNetV2's cost of memory access, without biases and norms */
    int64_t stored;        /* floats of all parameters and statistics; n images move 4 (n moved + stored) bytes */
} fv_cost;
/* A line of `fovea summary`. Strings live as long as the net. */
typedef struct fv_layer {
    const char *name, *op;
    char detail[64]; /* its attributes: "3x3/2 depthwise", "relu6" */
    fv_shape out;
    fv_cost cost;
    /* Rows and columns of the input that an output pixel depends on (unclipped), the step between neighbours' windows. */
    int receptive_field, receptive_field_w, stride, stride_w;
    int inputs;
    const int *input; /* the layers that it reads; they come before it */
    bool aux;         /* only auxiliary classifiers need it; not part of totals */
} fv_layer;
/* All layers of one operator together. */
typedef struct fv_operator {
    const char *op;
    int layers;
    fv_cost cost;
} fv_operator;
typedef struct fv_key {
    const char *name;
    int rank; /* 0: a scalar */
    int dim[4];
    const char *dtype; /* "float32" or "int64" */
} fv_key;
FV_API bool fv_net_layer(const fv_net *net, int i, fv_layer *layer);     /* false past the end */
FV_API bool fv_net_operator(const fv_net *net, int i, fv_operator *all); /* those that it has; false past the end */
FV_API void fv_net_cost(const fv_net *net, fv_cost *cost);               /* all layers together */
FV_API bool fv_net_key(const fv_net *net, int i, fv_key *key);           /* state dict order */
/* The floats of a state-dict entry, in its published layout; NULL for num_batches_tracked or an unknown name, and where
 * they still lie in their file (low_memory) and cannot be read. */
FV_API float *fv_net_weights(fv_net *net, const char *key, int64_t *count);

/* ---- plans: everything that can fail, fails here; running cannot ----------------------------------------- */

typedef enum fv_mode { FV_INFER, FV_TRAIN } fv_mode;
/* How a weight follows its gradient g; the arrays of state that each has, with the names of their papers. */
typedef enum fv_optimiser {
    FV_OPT_SGD,     /* v = momentum * v + g, w -= lr * v.  v */
    FV_OPT_RMSPROP, /* TensorFlow's: the root is of ms + eps, ms begins at 1, lr is in the momentum.  ms, momentum */
    FV_OPT_ADAMW,   /* Adam with weight decay of its own (Loshchilov, Hutter 2017).  m, v */
    FV_OPT_LAMB,    /* You et al. 2019: AdamW's step, as long as a share of the weight's norm.  m, v */
    FV_OPT_COUNT
} fv_optimiser;
enum { FV_STATE_EMA = 2, FV_STATES }; /* of a weight: two of the optimiser, then its moving average */
/* Binary cross-entropy: each class is a question of its own; the loss of an image is their mean. */
typedef enum fv_loss { FV_LOSS_SOFTMAX, FV_LOSS_BCE } fv_loss;
typedef struct fv_plan fv_plan;
typedef struct fv_plan_opts {
    fv_mode mode;
    int batch;   /* most images of a run; 0: 1 */
    int h, w;    /* input size; 0: the net's */
    int threads; /* 0: the environment's */
    /* FV_TRAIN: */
    fv_optimiser opt;
    double opt_eps;         /* 0: 1e-3 for RMSprop, 1e-8 for AdamW, 1e-6 for LAMB */
    double alpha, betas[2]; /* what ms, m and v keep of themselves; 0: 0.9, 0.9, 0.999 */
    double wd;              /* weight decay: wd * w joins the gradient of each weight, not of biases and norms */
    fv_loss loss;
    double bce_target_thresh; /* BCE: a target above it is 1, another 0, before it is smoothed; 0: as it is */
    double smoothing;         /* label smoothing, from 0 to below 1 */
    double clip;              /* the whole gradient is scaled down to this L2 norm; 0: never */
    double ema;  /* keeps averages of weights and statistics: of themselves min(ema, (1 + t) / (10 + t)) at update t */
    bool gather; /* several batches may make one update: fv_update.more */
    bool grad_checkpointing; /* much less memory: backward makes values again, a block at a time. The same bits */
    /* Features: names of values (fv_name's, or the layer's) that fv_plan_value gives after a run; borrowed for the call. */
    const char *const *keep;
    int nkeep;
    bool gradients; /* FV_INFER: fv_run_backward works, fv_plan_gradient gives those of the kept values */
} fv_plan_opts;
typedef struct fv_plan_info {
    size_t activation_bytes; /* the one block that a run works in */
    size_t packed_bytes;     /* weights in the kernels' layouts */
    size_t weight_bytes;     /* the net's, as published */
    size_t other_bytes;      /* inputs, outputs, gradients and momenta of weights, the threads' scratch */
    size_t total_bytes;      /* of the four: what the plan and its net take while running */
    int steps, threads;
    int timed;    /* problems that autotune has timed for this plan: 0 where all were known */
    int64_t macs; /* of one image, forward */
    double plan_ms;
} fv_plan_info;

/* The net must outlive the plan. One plan serves one thread at a time; a net serves many plans. */
FV_API fv_status fv_plan_new(fv_plan **plan, fv_net *net, const fv_plan_opts *opts, fv_err *err);
FV_API void fv_plan_free(fv_plan *plan);
FV_API void fv_plan_describe(const fv_plan *plan, fv_plan_info *info);
/* images: n x h x w x c floats, normalised, n at most the plan's batch; logits: n x classes. Allocates nothing. */
FV_API void fv_run(fv_plan *plan, int n, const float *images, float *logits);
/* Room for a batch of images: a run from there copies nothing. With low_memory it writes its own values over them. */
FV_API float *fv_plan_images(fv_plan *plan);
/* A kept value of the last run: n x h x w x c floats, the plan's, and its shape for n = 1. NULL: it is not kept. */
FV_API const float *fv_plan_value(const fv_plan *plan, const char *name, fv_shape *shape);
/* Forward, then the gradients of sum(dlogits * logits) back to the kept values, by the running statistics; in a plan made
 * with `gradients`. dlogits: n x classes. */
FV_API void fv_run_backward(fv_plan *plan, int n, const float *images, const float *dlogits);
FV_API const float *fv_plan_gradient(const fv_plan *plan, const char *name, fv_shape *shape);

/* A step of the plan, in the order of running. Strings live as long as the library or the net. */
typedef struct fv_step_info {
    const char *name, *slot, *kernel; /* the layer (NULL: of none), what is computed, the row that computes it */
    const char *reason;               /* why this row */
    fv_shape out;                     /* of the layer */
    int64_t macs;                     /* multiply-adds of an image where the step is a convolution's, else 0 */
    int64_t products;                 /* those that are done: fewer by Winograd's tiles */
    int64_t bytes, weight_bytes; /* of all operands, each once, in a run of the whole batch; of these the weights */
    bool by_image;               /* each thread takes images of its own through this and the neighbouring steps */
} fv_step_info;
/* What a run takes beside its steps. */
typedef enum fv_overhead {
    FV_COPYING_IN,  /* images, targets */
    FV_COPYING_OUT, /* logits, losses */
    FV_WAITING,     /* of the first thread for the others, where each has images or rows of its own */
    FV_OVERHEADS
} fv_overhead;
FV_API bool fv_plan_step_at(const fv_plan *plan, int i, fv_step_info *info); /* false past the end */
/* From now on each run adds the seconds of step i to seconds[i], and those of the overheads to the FV_OVERHEADS places
 * behind the last step's; NULL: no longer. */
FV_API void fv_plan_profile(fv_plan *plan, double *seconds);
/* Packs the net's present weights anew: for an inference plan whose net was trained meanwhile. */
FV_API void fv_plan_repack(fv_plan *plan);

/* An HTML page with a picture of the network, its stages and blocks, and all that `fovea summary` tells, for so many images
 * at once; plan: where not NULL, one for them, whose memory is told. */
FV_API fv_status fv_net_page(const fv_net *net, int batch, const fv_plan_info *plan, const char *path, fv_err *err);

/* Networks side by side, measured on this machine. */
typedef struct fv_compared {
    const char *name;      /* as it was asked for */
    const fv_model *model; /* its row; NULL: a network of one's own */
    int size;
    fv_cost cost;
    double latency_ms;   /* median of a run of one image; NaN: not measured, for it cannot be within the budget */
    double images_per_s; /* in batches; NaN likewise */
    size_t bytes;        /* what the plan of one image and its net take while running */
    double top1;         /* published, of the row's weights on ImageNet; 0: none, as for a model file */
    bool within;         /* the budget */
    bool front;          /* of those within, none is both faster and more accurate */
} fv_compared;
typedef struct fv_compare_opts {
    const char *const *model; /* names or model files; none: all that have a published accuracy on ImageNet */
    int nmodels;
    int batch;          /* for images_per_s; 0: 8 */
    int size;           /* 0: each network's own; no accuracy is published for another */
    double seconds;     /* to measure a network for, about, after warming up; 0: 0.5 */
    const char *budget; /* "latency<10ms,params<5M"; see fv_budget_parse; NULL: none */
    /* Before each network; name NULL: at the end. False: stop, FV_INTERRUPTED. */
    bool (*progress)(void *user, int done, int count, const char *name);
    void *user;
} fv_compare_opts;
typedef struct fv_comparison {
    fv_compared *row; /* the most accurate first, those without a published accuracy last */
    int n, threads, batch;
    fv_cpu cpu;
    const char *budget; /* the caller's */
} fv_comparison;
FV_API fv_status fv_compare(fv_comparison *c, const fv_compare_opts *opts, const fv_env *env, fv_err *err);
FV_API void fv_comparison_free(fv_comparison *c, const fv_env *env);
/* Accuracy against measured latency with its front, and the table, as an HTML page. */
FV_API fv_status fv_comparison_page(const fv_comparison *c, const char *path, const fv_env *env, fv_err *err);

/* Bounds on what fv_compare tells: latency (ms, us, s), throughput (images/s), params, macs (k, M, G), memory (KiB, MiB, GiB),
 * access (k, M, G values), top1 (percent), size (pixels), each with < <= > or >=, commas between; at most 16. */
typedef enum fv_measure {
    FV_MEASURE_LATENCY,
    FV_MEASURE_THROUGHPUT,
    FV_MEASURE_PARAMS,
    FV_MEASURE_MACS,
    FV_MEASURE_MEMORY,
    FV_MEASURE_ACCESS,
    FV_MEASURE_TOP1,
    FV_MEASURE_SIZE,
    FV_MEASURE_COUNT
} fv_measure;
typedef struct fv_bound {
    fv_measure of;
    bool least, or_equal; /* > or >=; <= or >= */
    double value;         /* in ms, images/s, bytes, percent or ones */
} fv_bound;
typedef struct fv_budget {
    fv_bound bound[16];
    int n;
} fv_budget;
FV_API fv_status fv_budget_parse(fv_budget *b, const char *text, fv_err *err);
FV_API bool fv_budget_holds(const fv_budget *b, const fv_compared *row); /* bounds on what was not measured hold not */

/* One update of the weights by a FV_TRAIN plan: all that may differ from step to step. */
typedef struct fv_update {
    int n;                /* images, up to the batch; from 2 where a norm sees 1 pixel; 0: updates by those gathered */
    const float *images;  /* n x h x w x c, normalised */
    const int *labels;    /* n class numbers; or NULL and */
    const float *targets; /* n x classes: a distribution over the classes for each image (soft targets, mixup) */
    double lr, momentum;  /* momentum: of SGD and RMSprop; 0: none */
    bool nesterov;
    uint64_t seed, step;  /* the key of dropout and stochastic depth: equal keys, equal masks */
    int64_t t;            /* the number of this update from 1, for the averages that begin at 0; 0: step + 1 */
    bool more;            /* gradients are kept for the next call, whose images join these; nothing is updated */
    const float *weights; /* NULL, or n factors of the images' losses; the loss is their mean weighted so */
    float *losses;        /* NULL, or n floats: the loss of each image comes back */
    float *logits;        /* NULL, or n x classes: as they were before the update */
} fv_update;
/* Forward, backward, update of the net's weights, batch-norm statistics and the plan's states. Gives the mean loss of
 * the n images; NaN, and nothing is changed, where n or a label is out of range. Allocates nothing; the weights come
 * out the same for any number of threads. */
FV_API double fv_run_train(fv_plan *plan, const fv_update *u);
/* State k (0, 1: the optimiser's, as listed there; FV_STATE_EMA) of a state-dict entry, shaped like fv_net_weights; NULL
 * where it has none. Saved and put back together with the weights, a run goes on bit for bit. */
FV_API float *fv_plan_state(fv_plan *plan, int k, const char *key, int64_t *count);

/* ---- data ------------------------------------------------------------------------------------------------ */

/* An image folder (root/{train,val,test}/class/..., or root/class/... with a seeded split), IDX files (plain or
 * .gz), CIFAR-10 or CIFAR-100 binary, tar shards (train-{000..012}.tar), lists of paths and labels (CSV, TSV, text):
 * recognised by what lies at `path` (doc/FORMATS.md). */
typedef struct fv_data fv_data;
typedef struct fv_data_opts {
    const char *split;              /* "train", "val" or "test"; NULL: "train" */
    double val_share;               /* of root/class/... that goes to val; 0: 0.2 */
    uint64_t seed;                  /* of that split */
    const char *const *class_names; /* the training set's: folders are matched to them by name; NULL: as found */
    int classes;
    const char *names_file; /* class names, one a line, for data that has none; NULL: it stays so */
} fv_data_opts;
typedef struct fv_data_info {
    const char *source; /* "folder", "idx", "cifar", "shards", "list" */
    const char *split;  /* the one that was opened */
    int64_t count;
    int classes;
    const char *const *class_names; /* NULL: the classes have no names */
    int h, w, channels;             /* h, w 0: pictures of many sizes */
} fv_data_info;
FV_API fv_status fv_data_open(fv_data **data, const char *path, const fv_data_opts *opts, const fv_env *env,
                              fv_err *err);
FV_API void fv_data_free(fv_data *data);
FV_API void fv_data_describe(const fv_data *data, fv_data_info *info);
/* Writes sample i as a PNG file. */
FV_API fv_status fv_data_export_png(fv_data *data, int64_t i, const char *path, int *label, fv_err *err);

/* What spoils training and evaluation, found by looking at every picture of every split. Strings live for the call of
 * `found`. Kinds: unreadable, tiny, cmyk, 16-bit; duplicate, leak (in two splits), conflict (of two classes), and the same
 * with near-; imbalance, empty-class, missing-class; order, alike (names); split (one cannot be opened). */
typedef struct fv_data_finding {
    const char *kind, *text;
    const char *split, *file, *other_split, *other; /* NULL: of no picture, or of one */
    int64_t sample, other_sample;                   /* -1: none */
    bool packed;                                    /* the file holds many pictures: `sample` tells which */
} fv_data_finding;
typedef struct fv_data_check_opts {
    int workers;      /* 0: the environment's threads */
    int tiny;         /* pixels of the shorter side; 0: 32 */
    double imbalance; /* the largest class of training by the smallest; 0: 10 */
    bool no_near;     /* exact duplicates only */
    uint64_t seed;    /* of a split of one's own making */
    void (*found)(void *user, const fv_data_finding *f);
    void (*progress)(void *user, int64_t done, int64_t count);
    void *user;
} fv_data_check_opts;
typedef struct fv_data_checked {
    int64_t pictures, findings;
    int splits;
    int64_t count[3];
    char split[3][16];
} fv_data_checked;
FV_API fv_status fv_data_check(fv_data_checked *out, const char *path, const fv_data_check_opts *opts,
                               const fv_env *env, fv_err *err);

/* Class i of ImageNet's 1000, in the order of a published network's outputs; false past the end. */
FV_API bool fv_imagenet_class(int i, const char **wnid, const char **name);

/* ---- predict, evaluate ----------------------------------------------------------------------------------- */

typedef struct fv_top {
    int index;
    const char *label; /* NULL: the class has no name */
    double p;
} fv_top;
FV_API int fv_views(fv_tta tta); /* 1, 2, 5 or 10 */
/* The mean of the probabilities in `views` rows of logits: its logarithms, into the first row. */
FV_API void fv_mean_of_views(float *logits, int classes, int views);
/* Reads a picture file into `input` (prep.h x prep.w x prep.channels floats, times its views) as `prep` says. */
FV_API fv_status fv_load_image(const char *path, const fv_prep *prep, float *input, const fv_env *env, fv_err *err);
/* The same for a picture in memory; `name` is for messages. */
FV_API fv_status fv_decode_image(const void *bytes, size_t len, const char *name, const fv_prep *prep, float *input,
                                 const fv_env *env, fv_err *err);
/* The k largest softmax probabilities, best first, ties to the lower index; returns how many; -1: a logit is not finite. */
FV_API int fv_topk(const fv_net *net, const float *logits, int k, fv_top *top);

typedef struct fv_bad_sample {
    char *file, *reason;
} fv_bad_sample;
typedef struct fv_eval_opts {
    fv_prep prep;       /* zero fields: the net's */
    int batch;          /* 0: 32 */
    int workers;        /* 0: decode in 1 thread */
    double max_bad;     /* share of unreadable pictures that is forgiven */
    int topk;           /* also measure top-this; 0: 5 */
    const char *report; /* NULL, or the HTML page to write */
    void (*progress)(void *user, int64_t done, int64_t count);
    void *user;
} fv_eval_opts;
/* Calibration: the pictures whose answer had a probability in ((i) / FV_BINS, (i + 1) / FV_BINS]. */
enum { FV_BINS = 15 };
typedef struct fv_bin {
    int64_t n, correct;
    double p; /* mean probability of their answers */
} fv_bin;
typedef struct fv_metrics {
    int64_t n, correct;
    double top1, top5, loss; /* percent; top5 is top-min(5, classes); loss is mean cross-entropy */
    int k;                   /* the topk that was asked for */
    double topk;
    double images_per_s;
    fv_bin bin[FV_BINS];
    double ece, mce; /* calibration error, 0 .. 1: mean (expected, by n) and most |correct / n - p| of a bin */
    int classes;
    int64_t *confusion; /* [label][predicted] */
    fv_bad_sample *bad; /* pictures that could not be read */
    int64_t nbad;
} fv_metrics;
FV_API fv_status fv_evaluate(fv_metrics *m, fv_net *net, fv_data *data, const fv_eval_opts *opts, fv_err *err);
FV_API void fv_metrics_free(fv_metrics *m);

/* How well a class is told from the others. Percent; 0 where the share is of nothing (no picture of it, or none that
 * was taken for it). */
typedef struct fv_class_score {
    int64_t n, answered, correct; /* pictures of the class, pictures taken for it, both */
    double precision, recall, f1; /* correct / answered, correct / n, their harmonic mean */
} fv_class_score;
FV_API fv_class_score fv_score_class(const fv_metrics *m, int i);
/* Means over the classes that occur, as label or as answer: each counted once (macro), or by its n (weighted). */
FV_API void fv_score_means(const fv_metrics *m, fv_class_score *macro, fv_class_score *weighted);

/* ---- train ----------------------------------------------------------------------------------------------- */

typedef enum fv_sched {
    FV_SCHED_COSINE,    /* half a wave from lr to min_lr */
    FV_SCHED_STEP,      /* times decay_rate every decay_epochs */
    FV_SCHED_MULTISTEP, /* times decay_rate at each of the milestones */
    FV_SCHED_EXP,       /* the curve through FV_SCHED_STEP's corners */
    FV_SCHED_POLY,      /* to min_lr by (1 - the share of the run)^power; power 1: a line */
    FV_SCHED_ONECYCLE   /* up from lr / 25 in 0.3 of the run, down to lr / 250,000, both in half a wave */
} fv_sched;
typedef enum fv_wd_exempt { FV_WD_NORMS, FV_WD_DEPTHWISE, FV_WD_NONE } fv_wd_exempt;
/* What a random erasing leaves: noise by pixel, the mean colour, one random colour. */
typedef enum fv_erase { FV_ERASE_PIXELS, FV_ERASE_MEAN, FV_ERASE_COLOUR } fv_erase;
typedef struct fv_train_opts {
    const char *data, *model, *weights, *output; /* weights: start from them; output: folder for all results */
    bool new_head;                               /* the classifier of `weights` starts afresh in any case */
    const char *resume;                          /* NULL, "auto" or a checkpoint file */
    int epochs;
    int64_t max_steps; /* 0: no limit */
    int batch, accum;  /* pictures of a batch; batches of an update [1] */
    fv_optimiser opt;
    double opt_eps, alpha, betas[2]; /* as in fv_plan_opts */
    double lr, momentum, wd;
    double lr_base; /* where lr is 0: lr is this times the pictures of an update / lr_base_size */
    int lr_base_size;
    bool nesterov;
    fv_wd_exempt wd_exempt;    /* what does not decay: norms and biases; and depthwise weights; nothing */
    double bias_lr;            /* a factor of the biases' rate [1] */
    double layer_decay;        /* a factor of the rate for each layer further from the classifier [1] */
    const char *freeze;        /* patterns of state-dict keys, with commas: they are not trained */
    bool freeze_body;          /* only the classifier is trained */
    fv_loss loss;              /* of training and of its evaluations, there without smoothing */
    double bce_target_thresh;  /* as in fv_plan_opts */
    double smoothing;          /* label smoothing */
    const char *class_weights; /* of the losses: NULL, "balanced", or a file with a number a line */
    double clip;               /* clip the gradient's global L2 norm; 0: no */
    double drop, drop_path;    /* chance of dropout, of stochastic depth at the last block; -1: the network's own */
    fv_sched sched;
    double warmup_epochs, warmup_lr; /* linear from that rate; -1: from lr / 100 */
    double decay_epochs, decay_rate, decay_power, min_lr;
    const char *milestones; /* epochs, with commas */
    bool model_ema;         /* averages of the weights are evaluated and saved */
    double model_ema_decay;
    int patience; /* the run ends after so many epochs without a better top-1; 0: never */
    /* Progressive learning: `stages` of equal length, in which these go from their first value to their second (0: they
     * stay as they are). Two equal values hold for all of training and need no stages. */
    int stages;
    double progressive[2], progressive_drop[2];   /* sizes of the input; chance of dropout */
    double progressive_mix[2], progressive_aa[2]; /* alpha of mixup and cutmix, where they are on; magnitude of aa */
    const char *recipe;                           /* what the values came from: for args.json */
    uint64_t seed;
    int threads, workers;     /* 0: all cores; 0: 1 */
    bool grad_checkpointing;  /* as in fv_plan_opts */
    int64_t checkpoint_every; /* steps; 0: at epoch ends only */
    fv_stem stem;
    int size, channels;        /* 0: from the data with the CIFAR stem, else the model's */
    int pad_crop;              /* pad by so many pixels and crop at random; -1: as the size suggests */
    double scale[2], ratio[2]; /* random resized crop: share of the area, width by height; 0: 0.08 .. 1, 3/4 .. 4/3 */
    double flip, vflip;        /* chances of a left-right flip (-1: 0.5) and of one upside down */
    const char *aa;            /* changes: "rand-m9-n2-mstd0.5-inc1", "trivial", "imagenet", "cifar10"; NULL: none */
    double color_jitter;       /* brightness, contrast and saturation by factors 1 - j .. 1 + j */
    double hue_jitter;         /* hues turned by up to this share of the circle, 0 .. 0.5 */
    double pca;                /* deviation of the shift along the colours' principal axes (AlexNet: 0.1) */
    double reprob;             /* chance of random erasing */
    fv_erase remode;
    int recount;              /* rectangles erased; 0: 1 */
    double mixup, cutmix;     /* alpha of the mixing shares' Beta(alpha, alpha); 0: none */
    double mixup_prob;        /* chance that a batch is mixed */
    double mixup_switch_prob; /* where there are both: chance of cutmix */
    double max_bad;           /* share of unreadable pictures that is forgiven; -1: 0.01 */
    double val_share;         /* as in fv_data_opts */
    fv_exif exif;
    const char *val_split;  /* NULL: "val", or "test" where there is none */
    const char *names_file; /* as in fv_data_opts */
} fv_train_opts;
FV_API void fv_train_defaults(fv_train_opts *o);
typedef struct fv_recipe {
    const char *name, *families, *source; /* families: of networks, with commas */
    const char *const *values;            /* "field=value", fields of fv_train_opts; ends with NULL */
} fv_recipe;
FV_API const fv_recipe *fv_recipe_at(int i); /* NULL past the end */
/* Sets what the recipe of that name says; "auto": the one of the network's family. FV_ARG: there is none. */
FV_API fv_status fv_train_recipe(fv_train_opts *o, const char *name, const char *model, fv_err *err);

typedef struct fv_epoch {
    int epoch;                        /* from 1 */
    int64_t step;                     /* updates so far */
    double train_loss, train_top1;    /* while learning: before each update, on augmented pictures */
    double eval_loss, top1, top5;     /* after the epoch, on the validation set */
    double lr, images_per_s, seconds; /* of training; of both, in the process that ended the epoch */
} fv_epoch;
typedef enum fv_train_kind {
    FV_TRAIN_BEGIN,
    FV_TRAIN_STEP,
    FV_TRAIN_EVAL,
    FV_TRAIN_EPOCH,
    FV_TRAIN_SAVED
} fv_train_kind;
typedef struct fv_train_event {
    fv_train_kind kind;
    int epoch, epochs;
    int64_t step, steps; /* of the whole run */
    double loss, lr, images_per_s, eta_s;
    double top1;         /* FV_TRAIN_STEP: percent of the epoch's pictures so far that were right before their update */
    int64_t done, count; /* FV_TRAIN_EVAL: pictures */
    const fv_epoch *row; /* FV_TRAIN_EPOCH */
    const char *text;    /* FV_TRAIN_BEGIN: what is trained on what; FV_TRAIN_SAVED: the file */
} fv_train_event;
/* What the host wants next. Asked after each step and at least every second otherwise. */
typedef enum fv_train_wish {
    FV_TRAIN_GO,
    FV_TRAIN_STOP,      /* finish the step, save, return FV_STOPPED */
    FV_TRAIN_INTERRUPT, /* finish the step, save, return FV_INTERRUPTED */
    FV_TRAIN_ABANDON    /* return at once, save nothing */
} fv_train_wish;
typedef fv_train_wish fv_train_watch(void *user, const fv_train_event *e);

typedef struct fv_train_result {
    fv_epoch *epochs;
    int nepochs;
    double best_top1;
    int64_t steps, bad; /* bad: pictures skipped */
    bool finished;      /* false: stopped before the last epoch */
} fv_train_result;
/* Trains and leaves model_best.safetensors, last.safetensors, results.csv, report.html, args.json, events for TensorBoard and
 * checkpoints in opts->output. */
FV_API fv_status fv_train(fv_train_result *r, const fv_train_opts *opts, fv_train_watch *watch, void *user,
                          const fv_env *env, fv_err *err);
FV_API void fv_train_result_free(fv_train_result *r);

/* Draws what training with these options makes of pictures: a PNG file with a row for each of `rows` pictures of the
 * training set from `first` on: as it is, then as `columns` epochs see it. Reads data, size, channels, seed and what
 * changes pictures. */
typedef struct fv_sheet {
    int rows, columns;
    int64_t first;
} fv_sheet;
FV_API fv_status fv_augment_sheet(const char *png, const fv_train_opts *opts, const fv_sheet *sheet, const fv_env *env,
                                  fv_err *err);

/* ---- studies: what the literature claims, run here ------------------------------------------------------- */

typedef enum fv_study_kind {
    FV_STUDY_EXACT,    /* an identity or a count: holds on every machine, in seconds */
    FV_STUDY_MEASURED, /* a run, by seed: numbers differ little from machine to machine */
    FV_STUDY_TIMED     /* clocks: numbers are this machine's; only the order of extremes is judged */
} fv_study_kind;
typedef struct fv_study {
    const char *name, *topic;
    const char *claim, *loose; /* loose: how it is often told where that is wrong; NULL: nowhere that we know of */
    const char *source, *how, *expected;
    const char *why; /* it matters: one paragraph */
    fv_study_kind kind;
    bool data;      /* it trains on pictures */
    double seconds; /* about, on two cores */
} fv_study;
FV_API const fv_study *fv_study_at(int i); /* NULL past the end; a topic's follow each other */
FV_API const fv_study *fv_study_find(const char *name);
FV_API const char *fv_study_nearest(const char *name);

/* A line of a result: `measured` is to be `expected` give or take `tolerance`, below it, above it, or is only told. */
typedef enum fv_relation { FV_IS, FV_BELOW, FV_ABOVE, FV_TOLD } fv_relation;
typedef struct fv_finding {
    const char *what;
    fv_relation relation;
    double measured, expected, tolerance;
    bool holds;
} fv_finding;
typedef enum fv_verdict { FV_HOLDS, FV_FAILS, FV_NOT_RUN } fv_verdict;
typedef struct fv_study_result {
    const fv_study *study;
    fv_verdict verdict;
    const char *why_not;  /* FV_NOT_RUN: what is missing, and how to get it */
    const char *measured; /* the findings in short */
    const fv_finding *findings;
    int nfindings;
    double seconds;
    struct fv_lab_book *book; /* the plot */
} fv_study_result;
typedef struct fv_study_opts {
    const char *data; /* to train on, as in fv_data_open; NULL: Fashion-MNIST where Debian puts it */
    bool small;       /* the short form of a run, which tells extremes apart and no more: for tests */
    bool (*progress)(void *user, const fv_study *study, double done); /* 0 to 1; false: stop */
    void *user;
} fv_study_opts;
/* FV_OK also where the claim fails or the data are missing: the verdict tells. */
FV_API fv_status fv_study_run(fv_study_result **r, const fv_study *study, const fv_study_opts *opts, const fv_env *env,
                              fv_err *err);
FV_API void fv_study_free(fv_study_result *r);
/* The result as a page of HTML that needs nothing else; `index`: where its last line leads, or NULL. */
FV_API fv_status fv_study_page(const fv_study_result *r, const char *path, const char *index, fv_err *err);
/* A page of many: a line for each, that leads to NAME.html beside it. */
FV_API fv_status fv_study_index(const fv_study_result *const *r, int n, const char *path, fv_err *err);

/* ---- arrays and measures --------------------------------------------------------------------------------- */

typedef struct fv_array {
    int rank;
    int dim[8];
    float *data; /* row-major; fv_array_free releases it */
} fv_array;
FV_API fv_status fv_npy_read(fv_array *a, const char *path, const fv_env *env, fv_err *err); /* f4 or f8, C order */
FV_API fv_status fv_npy_write(const fv_array *a, const char *path, fv_err *err);
FV_API void fv_array_free(fv_array *a, const fv_env *env);
/* Peak of float multiply-adds on `threads` cores at this level, GFLOP/s, measured now (about 50 ms). */
FV_API double fv_peak_gflops(int threads, fv_cpu cpu);
/* GB/s at which the threads read a block of so many bytes, each its part, again and again: of a cache where it fits one,
 * else of memory. Measured now (some 10 ms, more for large blocks); 0 where there is no memory for it. */
FV_API double fv_stream_gbs(int threads, size_t bytes, fv_cpu cpu);

#ifdef __cplusplus
}
#endif
#endif
