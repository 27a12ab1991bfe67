/* accel/accel.c - choosing and making an accelerator. */
#include "accel/accel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct accel_ops *const accel_table[] = {
    &accel_interp,
    &accel_jit,
    NULL,
};

static void names(struct strbuf *out)
{
    for (unsigned i = 0; accel_table[i] != NULL; i++)
        strbuf_addf(out, "%s%s", i == 0 ? "" : ", ", accel_table[i]->name);
}

int accel_choose(const char *name, const struct accel_ops **ret_ops, struct error *err)
{
    struct strbuf list;
    int rc = -ENOENT;

    for (unsigned i = 0; accel_table[i] != NULL; i++) {
        if (name != NULL && strcmp(name, accel_table[i]->name) != 0)
            continue;
        rc = accel_table[i]->available(err);
        if (rc == 0) {
            *ret_ops = accel_table[i];
            return 0;
        }
        if (name != NULL)
            return error_prefix(err, rc, "accelerator '%s' cannot run on this host", name);
    }
    strbuf_init(&list);
    names(&list);
    rc = error_set(err, ENOENT, "no accelerator is called '%s'; choose one of: %s",
                   name == NULL ? "" : name, strbuf_str(&list));
    strbuf_fini(&list);
    return rc;
}

int accel_new(struct accel **ret_accel, const struct accel_ops *ops,
              const struct accel_config *config, struct error *err)
{
    struct accel *accel = calloc(1, sizeof(*accel));
    int rc;

    if (accel == NULL)
        return error_set(err, ENOMEM, "no memory for accelerator '%s'", ops->name);
    accel->ops = ops;
    accel->config = *config;
    rc = ops->vm_new(accel, err);
    if (rc < 0) {
        free(accel);
        return rc;
    }
    *ret_accel = accel;
    return 0;
}

void accel_free(struct accel *accel)
{
    if (accel == NULL)
        return;
    accel->ops->vm_free(accel);
    free(accel);
}
