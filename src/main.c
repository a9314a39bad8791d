#include "cli/cli.h"

int main(int argc, char **argv)
{
    return qn_cli_run(argc, argv);
}
