/** Those of the reference VM, in its order. */
export const REFERENCE = [
  '60000000.vm_hs_p',
  '80000000.vm_cma_p',
  '100000000.vm_cma_vram_p',
  '17000000.gpu',
  '13e00000.host1x_pt',
  '15340000.vic',
  '15480000.nvdec',
  '15540000.nvjpg',
  'd800000.dce',
  '13800000.display',
] as const;
