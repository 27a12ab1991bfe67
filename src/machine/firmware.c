/*
 * machine/firmware.c - the built-in SBI firmware: what sbi/ asks for, done on vCPUs.
 *
 * Everything here runs on the thread of the hart that made the call, while it is in guest mode
 * and inside the RCU read side. Nothing blocks but remote fences, which wait for other harts.
 *
 * The console is the board's UART, driven through its registers as M-mode firmware would.
 */
#include "machine/firmware.h"

#include "isa/riscv/bits.h"
#include "isa/riscv/csr.h"
#include "machine/virt.h"
#include "sbi/sbi.h"

/* SBI 2.0, 4.3: identifiers are given out in the specification's table; ours is not among them. */
enum { IMPL_ID = 0x7672, IMPL_VERSION = 1 };
enum { UART_DATA = 0, UART_LSR = 5, LSR_DR = 1, LSR_THRE = 0x20 };

static struct machine *machine_of(const struct vcpu *vcpu)
{
    return vcpu->machine;
}

static struct vcpu *vcpu_by_id(const struct vcpu *self, uint64_t hart)
{
    struct machine *machine = machine_of(self);

    return hart < machine->config.cpus ? machine->vcpu[hart] : NULL;
}

static bool hart_exists(void *ctx, uint64_t hart)
{
    return vcpu_by_id(ctx, hart) != NULL;
}

/* ---- timer, IPIs, fences ---- */

static void set_timer(void *ctx, uint64_t deadline)
{
    struct vcpu *vcpu = ctx;

    hart_set_stimecmp(&vcpu->hart, deadline);
}

static void send_ipi(void *ctx, const struct sbi_hart_set *set)
{
    struct machine *machine = machine_of(ctx);

    for (unsigned i = 0; i < machine->config.cpus; i++)
        if (sbi_hart_set_has(set, i))
            hart_request(&machine->vcpu[i]->hart, HART_REQ_IPI);
}

static bool clear_ipi(void *ctx)
{
    struct vcpu *vcpu = ctx;
    bool pending = (vcpu->hart.s.mip & MIP_SSIP) != 0;

    vcpu->hart.s.mip &= ~MIP_SSIP;
    return pending;
}

static void remote_fence(void *ctx, const struct sbi_hart_set *set, enum sbi_fence_kind kind,
                         uint64_t gva, uint64_t size, uint64_t asid)
{
    struct machine *machine = machine_of(ctx);
    struct hart_fence fence = { gva, size, kind == SBI_FENCE_VMA_ASID, (uint16_t)asid };
    uint32_t requests = kind == SBI_FENCE_I ? HART_REQ_FENCE_I : 0;
    struct vcpu *targets[CONFIG_MAX_CPUS];
    unsigned count = 0;

    for (unsigned i = 0; i < machine->config.cpus; i++) {
        if (!sbi_hart_set_has(set, i))
            continue;
        if (kind != SBI_FENCE_I)
            requests |= hart_post_fence(&machine->vcpu[i]->hart, &fence);
        targets[count++] = machine->vcpu[i];
    }
    vcpu_request_and_wait(ctx, targets, count, requests);
}

/* ---- harts ---- */

static bool is_memory(const struct vcpu *vcpu, uint64_t gpa)
{
    const struct mem_range *range = mem_find(machine_of(vcpu)->space, gpa);

    return range != NULL && range->readable;
}

static int start_hart(void *ctx, uint64_t hart, uint64_t gpa, uint64_t opaque)
{
    struct vcpu *target = vcpu_by_id(ctx, hart);

    if (target == NULL)
        return SBI_ERR_INVALID_PARAM;
    if (!is_memory(ctx, gpa))
        return SBI_ERR_INVALID_ADDRESS;
    return vcpu_start(target, gpa, opaque) ? SBI_SUCCESS : SBI_ERR_ALREADY_AVAILABLE;
}

static int stop_hart(void *ctx)
{
    vcpu_stop_self(ctx);
    return SBI_SUCCESS;
}

static int hart_status(void *ctx, uint64_t hart, enum sbi_hart_state *ret_state)
{
    static const enum sbi_hart_state of[] = {
        [VCPU_STARTED] = SBI_HART_STARTED,
        [VCPU_STOPPED] = SBI_HART_STOPPED,
        [VCPU_START_PENDING] = SBI_HART_START_PENDING,
        [VCPU_SUSPENDED] = SBI_HART_SUSPENDED,
    };
    struct vcpu *target = vcpu_by_id(ctx, hart);

    if (target == NULL)
        return SBI_ERR_INVALID_PARAM;
    *ret_state = of[vcpu_state(target)];
    return SBI_SUCCESS;
}

static int suspend_hart(void *ctx, bool retentive, uint64_t gpa, uint64_t opaque)
{
    if (!retentive && !is_memory(ctx, gpa))
        return SBI_ERR_INVALID_ADDRESS;
    vcpu_suspend_self(ctx, retentive, gpa, opaque);
    return SBI_SUCCESS;
}

/* 13.1: all other harts must be stopped. */
static int suspend_system(void *ctx, uint64_t gpa, uint64_t opaque)
{
    struct machine *machine = machine_of(ctx);

    for (unsigned i = 0; i < machine->config.cpus; i++)
        if (machine->vcpu[i] != ctx && vcpu_state(machine->vcpu[i]) != VCPU_STOPPED)
            return SBI_ERR_DENIED;
    return suspend_hart(ctx, false, gpa, opaque);
}

static int reset_system(void *ctx, enum sbi_reset_type type, uint32_t reason)
{
    struct machine *machine = machine_of(ctx);

    /* 10.1: reason 1 is a system failure. */
    if (type != SBI_RESET_SHUTDOWN)
        machine_request_reset(machine);
    else if (reason == 1)
        machine_request_end(machine, MACHINE_FAILED, 1);
    else
        machine_request_end(machine, MACHINE_POWERED_OFF, 0);
    vcpu_stop_self(ctx); /* the call does not return */
    return SBI_SUCCESS;
}

/* ---- console ---- */

enum { ECALL_BYTES = 4 };

static bool uart_read(struct vcpu *vcpu, unsigned reg, uint64_t *ret_val)
{
    return mem_load(machine_of(vcpu)->space, VIRT_UART + reg, 1, ret_val) == MEM_OK;
}

static bool uart_ready(struct vcpu *vcpu, unsigned bit)
{
    uint64_t lsr;

    return uart_read(vcpu, UART_LSR, &lsr) && (lsr & bit) != 0;
}

static bool put(struct vcpu *vcpu, uint8_t byte)
{
    return uart_ready(vcpu, LSR_THRE) &&
           mem_store(machine_of(vcpu)->space, VIRT_UART + UART_DATA, 1, byte) == MEM_OK;
}

/* 5.2 "console putchar" and 12.3 "write byte": the call returns when the byte is written. A hart
 * that waited here would be deaf to interrupts and kicks, so it makes its ecall again until the
 * UART has room. */
static void console_putchar(void *ctx, uint8_t byte)
{
    struct vcpu *vcpu = ctx;

    if (!put(vcpu, byte))
        vcpu->hart.s.pc -= ECALL_BYTES;
}

static int console_getchar(void *ctx)
{
    uint64_t byte;

    if (!uart_ready(ctx, LSR_DR) || !uart_read(ctx, UART_DATA, &byte))
        return -1;
    return (int)(byte & 0xff);
}

enum { CONSOLE_CHUNK = 256 }; /* bytes one DBCN call moves at most */

static int64_t console_write(void *ctx, uint64_t gpa, uint64_t len)
{
    uint8_t buf[CONSOLE_CHUNK];
    size_t count = len < sizeof(buf) ? (size_t)len : sizeof(buf), done = 0;

    if (!is_memory(ctx, gpa) || mem_read(machine_of(ctx)->space, gpa, buf, count) != MEM_OK)
        return SBI_ERR_INVALID_PARAM;
    while (done < count && put(ctx, buf[done]))
        done++;
    return (int64_t)done;
}

static int64_t console_read(void *ctx, uint64_t gpa, uint64_t len)
{
    uint8_t buf[CONSOLE_CHUNK];
    size_t room = len < sizeof(buf) ? (size_t)len : sizeof(buf), done = 0;
    struct mem_slice slice;
    int byte;

    /* Looked at first: a byte taken from the UART cannot be put back. */
    if (!mem_slice(machine_of(ctx)->space, gpa, room, MEM_PERM_WRITE, &slice))
        return SBI_ERR_INVALID_PARAM;
    while (done < slice.len && (byte = console_getchar(ctx)) >= 0)
        buf[done++] = (uint8_t)byte;
    if (done != 0 && mem_write(machine_of(ctx)->space, gpa, buf, done) != MEM_OK)
        return SBI_ERR_FAILED;
    return (int64_t)done;
}

/* ---- counters ---- */

static unsigned counter_csr(unsigned counter)
{
    return CSR_MCYCLE + counter;
}

static uint64_t counter_inhibit(struct vcpu *vcpu)
{
    uint64_t inhibit = 0;

    (void)hart_csr_peek(&vcpu->hart, CSR_MCOUNTINHIBIT, &inhibit);
    return inhibit;
}

static uint64_t counter_read(void *ctx, unsigned counter)
{
    struct vcpu *vcpu = ctx;
    uint64_t value = 0;

    (void)hart_csr_peek(&vcpu->hart, counter_csr(counter), &value);
    return value;
}

static void counter_start(void *ctx, unsigned counter, bool set, uint64_t value)
{
    struct vcpu *vcpu = ctx;

    if (set)
        (void)hart_csr_poke(&vcpu->hart, counter_csr(counter), value);
    (void)hart_csr_poke(&vcpu->hart, CSR_MCOUNTINHIBIT,
                        counter_inhibit(vcpu) & ~(UINT64_C(1) << counter));
}

static void counter_stop(void *ctx, unsigned counter)
{
    struct vcpu *vcpu = ctx;

    (void)hart_csr_poke(&vcpu->hart, CSR_MCOUNTINHIBIT,
                        counter_inhibit(vcpu) | UINT64_C(1) << counter);
}

static bool counter_running(void *ctx, unsigned counter)
{
    return !(counter_inhibit(ctx) >> counter & 1);
}

/* 5.5: legacy masks are read as the caller's own load would; a trap is the caller's. */
static bool read_gva(void *ctx, uint64_t gva, uint64_t *ret_word)
{
    struct vcpu *vcpu = ctx;

    if (hart_load(&vcpu->hart, gva, 8, ret_word))
        return true;
    vcpu->hart.s.pc -= 4; /* the ecall's own address */
    hart_take_exception(&vcpu->hart);
    return false;
}

static const struct sbi_ops ops = {
    .impl_id = IMPL_ID,
    .impl_version = IMPL_VERSION,
    .hart_exists = hart_exists,
    .set_timer = set_timer,
    .send_ipi = send_ipi,
    .clear_ipi = clear_ipi,
    .remote_fence = remote_fence,
    .hart_start = start_hart,
    .hart_stop = stop_hart,
    .hart_status = hart_status,
    .hart_suspend = suspend_hart,
    .system_reset = reset_system,
    .system_suspend = suspend_system,
    .console_write = console_write,
    .console_read = console_read,
    .console_putchar = console_putchar,
    .console_getchar = console_getchar,
    .counter_read = counter_read,
    .counter_start = counter_start,
    .counter_stop = counter_stop,
    .counter_running = counter_running,
    .read_gva = read_gva,
};

void firmware_sbi_call(struct vcpu *vcpu)
{
    struct riscv_state *s = &vcpu->hart.s;
    struct sbi_call call = { .extension = s->x[17], .function = s->x[16] };
    uint64_t pc = s->pc;
    struct sbi_result result;
    bool legacy;

    for (unsigned i = 0; i < 6; i++)
        call.arg[i] = s->x[10 + i];
    result = sbi_handle(&ops, vcpu, &call, &legacy);
    if (s->pc != pc)
        return; /* redirected: the call has no result */
    s->x[10] = (uint64_t)result.error;
    if (!legacy)
        s->x[11] = result.value;
}
