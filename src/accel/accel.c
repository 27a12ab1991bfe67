/* accel/accel.c - making an accelerator; choice.c chooses one. */
#include "accel/accel.h"

#include <errno.h>
#include <stdlib.h>

const struct accel_ops *const accel_table[] = {
    &accel_jit,
    &accel_interp,
    NULL,
};

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
