/* dbt/store/tests/fuzz_store.c - a store's file: whatever is in it, nothing outside is looked at.
 *
 * Identity and checksum are made right, or nothing would get past them; so are the lengths of the
 * whole, unless the first byte says no. What is found good is indexed, and read through. */
#include <stdlib.h>
#include <string.h>

#include "dbt/store/internal.h"

static const struct store_identity identity = { { 11, 22 } };

static void look_through(struct store *store)
{
    struct kept_view view;
    uint64_t sum = 0;

    for (size_t i = 0; i < store->read_records; i++) {
        kept_view(&store->read_kept[i], &view);
        for (unsigned n = 0; n < view.ops; n++)
            sum += (uint64_t)view.op[n].imm;
        for (unsigned n = 0; n < view.insns; n++)
            if (view.insn[n].first_op >= view.ops || view.insn[n].offset >= view.length)
                abort();
        for (unsigned n = 0; n < view.length; n++)
            sum += view.bytes[n];
        for (size_t n = 0; n < view.image_bytes; n++)
            sum += view.image[n];
        sum += store_find(store, view.offset, view.mode, view.bytes, view.length) != NULL;
    }
    __asm__ volatile("" : : "r"(sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_header header;
    struct store *store;
    uint8_t *file;

    if (size < 1 + sizeof(header))
        return 0;
    size--;
    file = malloc(size); /* of the exact size, so that the sanitizer sees its end */
    store = calloc(1, sizeof(*store));
    memcpy(file, data + 1, size);
    memcpy(&header, file, sizeof(header));
    if (data[0] % 8 != 0) {
        memcpy(header.magic, STORE_MAGIC, sizeof(header.magic));
        header.identity = identity;
        header.bytes = size;
        memcpy(file, &header, sizeof(header));
        header.checksum = file_checksum(file, size);
        memcpy(file, &header, sizeof(header));
    }
    if (file_check(file, size, &identity)) {
        memcpy(&header, file, sizeof(header));
        if (store_index(store, file, &header))
            look_through(store);
    }
    free(store->read_kept);
    free(store);
    free(file);
    return 0;
}
