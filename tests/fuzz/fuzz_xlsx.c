/* Any bytes as a workbook or a part of one. */
#include "unit/data/xlsx_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    xlsx_property(bytes, size);
    return 0;
}
