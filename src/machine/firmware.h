/* machine/firmware.h - the built-in SBI firmware: sbi/ on top of a machine's vCPUs. */
#ifndef MACHINE_FIRMWARE_H
#define MACHINE_FIRMWARE_H

struct vcpu;

/* vcpu_ops.sbi_call: an ecall from S mode; answers in the hart's registers. On its thread. */
void firmware_sbi_call(struct vcpu *vcpu);

#endif
