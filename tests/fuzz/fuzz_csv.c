/* Any bytes as a CSV file. */
#include "unit/data/csv_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    csv_property(bytes, size);
    return 0;
}
