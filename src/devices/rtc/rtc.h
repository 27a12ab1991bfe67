/* devices/rtc/rtc.h - the "google,goldfish-rtc" of the `virt` board: wall time in ns, one alarm. */
#ifndef DEVICES_RTC_RTC_H
#define DEVICES_RTC_RTC_H

#include "base/clock.h"
#include "dev/device.h"
#include "dev/irq.h"
#include "event/loop.h"
#include "mem/region.h"

enum { RTC_SIZE = 0x1000 };

/* The host's time of day. Unlike other clocks this one may be set back. */
extern const struct clock rtc_wall_clock;

struct rtc {
    struct device dev;
    struct mem_region mmio; /* RTC_SIZE bytes, ready after rtc_init() */
    /* private */
    const struct clock *wall, *clock;
    struct irq_line irq;
    struct loop_timer timer;
    uint64_t offset; /* guest's time = wall + offset, modulo 2^64 */

    /* State. */
    uint64_t saved_time;
    uint64_t alarm;
    uint32_t latched_high;
    bool alarm_running, irq_pending, irq_enabled;
};

/* wall and loop must outlive the RTC; irq is copied. */
void rtc_init(struct rtc *rtc, const char *id, const struct clock *wall, const struct irq_line *irq,
              struct loop *loop);
/* On the loop's thread, or while no thread runs the loop. */
void rtc_fini(struct rtc *rtc);

#endif
