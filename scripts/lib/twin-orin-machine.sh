# Sourced, after common.sh: the QEMU that runs the Orin twin, and its machine; the twin's tree is made of what this QEMU says
# of it. It is the newer one that is fetched, the same on every machine.
orin_qemu=$cache/qemu/bin/qemu-system-aarch64
[ -x "$orin_qemu" ] || "$repository/scripts/lib/fetch-qemu" >&2
# A processor with virtualization, and no firmware: the kernel starts in EL2 and has KVM.
orin_machine=(-M virt,iommu=smmuv3,gic-version=3,virtualization=on,accel=tcg -cpu cortex-a76 -smp 2 -m 7G)
