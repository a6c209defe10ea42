/* The table of presets: flows of the literature with settings that suit tables. */
#include "flow/presets.h"

#include "bijections/scale_limit.h"

#define AT(member) offsetof(flo_preset_settings, member)

#define STEPS(COUNT)                                                                   \
    {                                                                                  \
        "steps", FLO_INTEGER, AT(steps), 1, 1000, COUNT, NULL, 0, "steps of the flow"  \
    }
#define NETWORK FLO_NETWORK_ROWS_OF_WIDTH(flo_preset_settings, network, "128")
#define SPLINE FLO_SPLINE_ROWS(flo_preset_settings, spline.)
/* Half of what a layer alone takes: over ten steps 2 gives the same likelihood on
   held-out rows, and rows ten deviations out a log-density a thousand times lower. */
#define SCALE_LIMIT FLO_SCALE_LIMIT_ROW_OF(flo_preset_settings, scale_limit, "1")

/* Reversing the columns between two couplings with masks that swap can give both the
   same mask, so couplings have no such choice. */
#define COUPLING_MIXINGS "lu|householder|permutation|none"
#define MIXING(CHOICES, FALLBACK)                                                      \
    {                                                                                  \
        "mixing", FLO_CHOICE, AT(mixing), 0, 0, FALLBACK, CHOICES, 0,                  \
            "what mixes the columns before a step: a learned linear map (lu), a "      \
            "learned "                                                                 \
            "rotation (householder), or another order of the columns"                  \
    }
#define COUPLING_MIXING(FALLBACK) MIXING(COUPLING_MIXINGS, FALLBACK)
#define ORDERED_MIXING(FALLBACK) MIXING(COUPLING_MIXINGS "|reverse", FALLBACK)

#define LAYERS(MIXING, LAYER)                                                          \
    "[{repeat: <steps>, layers: [" MIXING LAYER "]}<last_mixing>]"
#define COUPLINGS(LAYER) LAYERS("<mixing>", LAYER)
#define AUTOREGRESSIVE(LAYER) LAYERS("<ordered_mixing>", LAYER)
#define AFFINE_AUTOREGRESSIVE                                                          \
    AUTOREGRESSIVE(                                                                    \
        "{kind: affine_autoregressive, <network>, scale_limit: <scale_limit>}")
#define AFFINE_COUPLING                                                                \
    "{kind: affine_coupling, mask: alternating, <network>, scale_limit: "              \
    "<scale_limit>}"

#define SPLINE_COUPLING                                                                \
    "{kind: spline_coupling, mask: alternating, <network>, bins: <bins>, tail_bound: " \
    "<tail_bound>, tails: <tails>, unconditional: true}"

/* Papamakarios et al. 2017, arXiv 1705.07057; residual networks and LU maps as in
   Durkan et al. 2019, where they gain more than splines do. */
static const flo_setting maf_rows[] = {
    STEPS("5"), ORDERED_MIXING("lu"), NETWORK, SCALE_LIMIT, {.name = NULL}};
static const flo_settings maf = {
    "maf",
    "masked autoregressive flow: affine_autoregressive layers (Papamakarios et al. "
    "2017); fast density",
    maf_rows};

/* Kingma et al. 2016, arXiv 1606.04934. */
static const flo_settings iaf = {
    "iaf",
    "inverse autoregressive flow: the same layers from noise to data, direction "
    "sampling (Kingma et al. 2016); fast samples, for objective reverse_kl",
    maf_rows};

/* Dinh et al. 2015, arXiv 1410.8516; its base there is logistic. */
static const flo_setting nice_rows[] = {
    STEPS("8"), COUPLING_MIXING("none"), NETWORK, {.name = NULL}};
static const flo_settings nice = {
    "nice",
    "additive couplings and one scale a column (Dinh et al. 2015); volumes change "
    "alike everywhere",
    nice_rows};

/* Dinh et al. 2017, arXiv 1605.08803; linear maps in place of batch normalisation. */
static const flo_setting realnvp_rows[] = {
    STEPS("10"), COUPLING_MIXING("lu"), NETWORK, SCALE_LIMIT, {.name = NULL}};
static const flo_settings realnvp = {
    "realnvp", "affine couplings (Dinh et al. 2017); fast density and samples",
    realnvp_rows};

/* Kingma & Dhariwal 2018, arXiv 1807.03039, for columns instead of images. */
static const flo_settings glow_mlp = {
    "glow_mlp",
    "actnorm, mixing and an affine coupling a step (Kingma & Dhariwal 2018)",
    realnvp_rows};

/* Durkan et al. 2019, arXiv 1906.04032. */
static const flo_setting nsf_coupling_rows[] = {
    STEPS("10"), COUPLING_MIXING("lu"), NETWORK, SPLINE, {.name = NULL}};
static const flo_settings nsf_coupling = {
    "nsf_coupling",
    "neural spline flow, RQ-NSF (C): spline couplings (Durkan et al. 2019)",
    nsf_coupling_rows};
static const flo_setting nsf_autoregressive_rows[] = {
    STEPS("10"), ORDERED_MIXING("lu"), NETWORK, SPLINE, {.name = NULL}};
static const flo_settings nsf_autoregressive = {
    "nsf_autoregressive",
    "neural spline flow, RQ-NSF (AR): spline_autoregressive layers (Durkan et al. "
    "2019)",
    nsf_autoregressive_rows};

static const flo_setting maf_mog_rows[] = {STEPS("5"),
                                           ORDERED_MIXING("lu"),
                                           NETWORK,
                                           SCALE_LIMIT,
                                           {"components", FLO_INTEGER, AT(components),
                                            1, 1000, "10", NULL, 0,
                                            "normals a column of the base"},
                                           {.name = NULL}};
static const flo_settings maf_mog = {
    "maf_mog",
    "maf over mixtures of normals, themselves autoregressive (Papamakarios et al. "
    "2017)",
    maf_mog_rows};

const flo_preset flo_presets[] = {
    {.settings = &maf, .layers = AFFINE_AUTOREGRESSIVE},
    {.settings = &iaf, .direction = "sampling", .layers = AFFINE_AUTOREGRESSIVE},
    {.settings = &nice,
     .layers = "[{repeat: <steps>, layers: [<mixing>{kind: additive_coupling, mask: "
               "alternating, <network>}]}<last_mixing>, {kind: elementwise_affine}]"},
    {.settings = &realnvp, .layers = COUPLINGS(AFFINE_COUPLING)},
    {.settings = &glow_mlp,
     .layers = LAYERS("{kind: actnorm}, <mixing>", AFFINE_COUPLING)},
    {.settings = &nsf_coupling,
     .layers = COUPLINGS(SPLINE_COUPLING),
     .pairs = "[{repeat: <pairs>, layers: [{kind: permutation, order: "
              "random}, " SPLINE_COUPLING ", " SPLINE_COUPLING "]}]"},
    {.settings = &nsf_autoregressive,
     .layers = AUTOREGRESSIVE("{kind: spline_autoregressive, <network>, bins: <bins>, "
                              "tail_bound: <tail_bound>, tails: <tails>}")},
    {.settings = &maf_mog,
     .base = "{kind: autoregressive_mixture, components: <components>, <network>}",
     .layers = AFFINE_AUTOREGRESSIVE},
    {.settings = NULL},
};
