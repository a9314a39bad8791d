#include "cli/samples.h"

#include "base/file.h"

#include <string.h>

extern const unsigned char qn_sample_penguins[], qn_sample_diamonds[], qn_sample_wine[],
    qn_sample_breaches[];
extern const size_t qn_sample_penguins_size, qn_sample_diamonds_size, qn_sample_wine_size,
    qn_sample_breaches_size;

static const struct qn_sample {
    const char *name, *shape, *about, *try_this;
    const unsigned char *bytes;
    const size_t *size;
} samples[] = {
    {"penguins", "344 rows, 8 columns", "measurements of three species of penguins, some missing",
     "quern train penguins.csv --target species", qn_sample_penguins, &qn_sample_penguins_size},
    {"diamonds", "5,000 rows, 10 columns", "price, weight and quality of cut diamonds",
     "quern train diamonds.csv --target price", qn_sample_diamonds, &qn_sample_diamonds_size},
    {"wine", "178 rows, 13 columns", "chemical analysis of wines from three cultivars",
     "quern kmeans --data wine.csv --clusters 3 --output clusters.csv", qn_sample_wine,
     &qn_sample_wine_size},
    {"breaches", "1,055 rows, 7 columns", "reported breaches of health data: dates, places, texts",
     "quern train breaches.csv --target type", qn_sample_breaches, &qn_sample_breaches_size},
};
#define QN_SAMPLE_COUNT (sizeof(samples) / sizeof(*samples))

static const struct qn_option sample_options[] = {
    {"output", "FILE", "where to write (NAME.csv; - is standard output)"},
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

static int list_samples(bool json)
{
    if (!json) {
        for (size_t i = 0; i < QN_SAMPLE_COUNT; i++)
            printf("  %-10s %-24s %s\n", samples[i].name, samples[i].shape, samples[i].about);
        puts("\n`quern sample NAME` writes NAME.csv.");
        return QN_EXIT_GOOD;
    }
    bool failed = false;
    json_t *object = json_object(), *array = json_array();
    for (size_t i = 0; i < QN_SAMPLE_COUNT; i++) {
        json_t *item = json_object();
        qn_json_set(item, "name", json_string(samples[i].name), &failed);
        qn_json_set(item, "shape", json_string(samples[i].shape), &failed);
        qn_json_set(item, "about", json_string(samples[i].about), &failed);
        qn_json_add(array, item, &failed);
    }
    qn_json_set(object, "samples", array, &failed);
    return qn_cli_print_json(object);
}

static int write_sample(const struct qn_sample *sample, const char *output, bool json)
{
    struct qn_error err = QN_ERROR_INIT;
    char path[64];
    snprintf(path, sizeof(path), "%s.csv", sample->name);
    if (!output)
        output = path;
    if (strcmp(output, "-") == 0) {
        fwrite(sample->bytes, 1, *sample->size, stdout);
        return QN_EXIT_GOOD;
    }
    if (qn_file_write(output, sample->bytes, *sample->size, &err) != QN_OK)
        return qn_cli_fail(&err, false);
    if (json) {
        bool failed = false;
        json_t *object = json_object();
        qn_json_set(object, "name", json_string(sample->name), &failed);
        qn_json_set(object, "output", json_string(output), &failed);
        return qn_cli_print_json(object);
    }
    printf("Wrote %s (%s)\nTry: %s\n", output, sample->shape, sample->try_this);
    return QN_EXIT_GOOD;
}

static int run(const struct qn_args *args)
{
    const char *name = qn_args_word(args, 0);
    bool json = qn_args_flag(args, "json");
    if (!name)
        return list_samples(json);
    for (size_t i = 0; i < QN_SAMPLE_COUNT; i++) {
        if (strcmp(samples[i].name, name) == 0)
            return write_sample(&samples[i], qn_args_value(args, "output"), json);
    }
    fprintf(stderr, "quern: no sample '%.60s'; `quern sample` lists them\n", name);
    return QN_EXIT_USAGE;
}

const struct qn_command qn_sample_command = {
    .name = "sample",
    .usage = "[NAME] [--output FILE]",
    .summary = "Writes one of the sample data sets",
    .options = sample_options,
    .examples = "  quern sample\n  quern sample penguins --output penguins.csv\n",
    .run = run,
};
