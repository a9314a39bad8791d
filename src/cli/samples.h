/* The data sets that come inside the binary. */
#ifndef QN_CLI_SAMPLES_H
#define QN_CLI_SAMPLES_H

#include "cli/cli.h"

extern const struct qn_command qn_sample_command;

#endif
