/* dbt/cache/tb.c - making and hashing translated blocks. */
#include "dbt/cache/tb.h"

#include <stdlib.h>
#include <string.h>

#include "dbt/cache/tb_storage.h"
#include "mem/space.h"

struct tb *tb_new(const struct t0_op *op, unsigned ops, const struct t0_insn *insn, unsigned insns)
{
    size_t op_bytes = ops * sizeof(*op), insn_bytes = insns * sizeof(*insn);
    struct tb_storage *storage = malloc(sizeof(*storage) + op_bytes + insn_bytes);
    struct tb *tb;

    if (storage == NULL)
        return NULL;
    memset(storage, 0, sizeof(*storage));
    tb = &storage->tb;
    memcpy(tb->op, op, op_bytes);
    memcpy((char *)tb->op + op_bytes, insn, insn_bytes);
    tb->insn = (const struct t0_insn *)(const void *)((char *)tb->op + op_bytes);
    tb->ops = (uint16_t)ops;
    tb->insns = (uint16_t)insns;
    return tb;
}

void tb_free(struct tb *tb)
{
    if (tb != NULL)
        free(container_of(tb, struct tb_storage, tb));
}

static void tb_free_rcu(struct rcu_head *rcu)
{
    mem_tsan_acquire();
    free(container_of(rcu, struct tb_storage, rcu));
}

void tb_free_later(struct tb *tb)
{
    mem_tsan_release();
    call_rcu(&container_of(tb, struct tb_storage, tb)->rcu, tb_free_rcu);
}

size_t tb_bytes(const struct tb *tb)
{
    return sizeof(struct tb_storage) + tb->ops * sizeof(tb->op[0]) +
           tb->insns * sizeof(tb->insn[0]);
}

/* 64 bits of FNV-1a over halfwords, all an instruction is made of: a guest that finds a collision
 * fools itself only. It may be writing there: atomic loads. */
uint64_t tb_hash(const uint8_t *bytes, size_t len, uint64_t before)
{
    uint64_t hash = before ^ UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i + 1 < len; i += 2) {
        hash ^= __atomic_load_n((const uint16_t *)(const void *)(bytes + i), __ATOMIC_RELAXED);
        hash *= UINT64_C(0x100000001b3);
        hash ^= hash >> 29;
    }
    return hash;
}
