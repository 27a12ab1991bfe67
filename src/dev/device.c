/*
 * dev/device.c - the life of a device, the same for each: init, realize, reset, unrealize, fini.
 *
 * A device is realized at most once at a time; realize ends in a reset, so that what the guest
 * finds first is the power-on state. unrealize and fini are fine on a device that got no further
 * than init, so a board's teardown is one loop whatever its setup reached.
 */
#include "dev/device.h"

#include <assert.h>

void device_init(struct device *dev, const struct device_ops *ops, const char *id)
{
    assert(ops != NULL && ops->type != NULL && id != NULL);
    dev->ops = ops;
    dev->id = id;
    dev->realized = false;
    pthread_mutex_init(&dev->lock, NULL);
}

void device_fini(struct device *dev)
{
    assert(!dev->realized);
    pthread_mutex_destroy(&dev->lock);
}

int device_realize(struct device *dev, struct error *err)
{
    assert(!dev->realized);
    if (dev->ops->realize != NULL) {
        int rc = dev->ops->realize(dev, err);

        if (rc != 0)
            return error_prefix(err, rc, "%s '%s'", dev->ops->type, dev->id);
    }
    dev->realized = true;
    device_reset(dev);
    return 0;
}

void device_reset(struct device *dev)
{
    if (dev->ops->reset == NULL)
        return;
    pthread_mutex_lock(&dev->lock);
    dev->ops->reset(dev);
    pthread_mutex_unlock(&dev->lock);
}

void device_unrealize(struct device *dev)
{
    if (!dev->realized)
        return;
    dev->realized = false;
    if (dev->ops->unrealize != NULL)
        dev->ops->unrealize(dev);
}
