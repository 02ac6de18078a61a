"""emosim's simulated users for verifiers and prime-rl, under the id that their loader imports: `vf-eval emosim_vf`."""

from emosim.adapters.verifiers import EmosimEnv, EmosimHarness, EmosimTaskset

__all__ = ["EmosimEnv", "EmosimHarness", "EmosimTaskset"]
