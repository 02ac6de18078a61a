"""Persona packs: folders of TOML, found, validated strictly and turned into values.

`files` what a pack's files may hold · `reading` TOML with file, line and did-you-mean · `library` finding packs and
casting personas.
"""

from emosim.packs.library import Casting, Pack, cast, load_pack, pack_names

__all__ = ["Casting", "Pack", "cast", "load_pack", "pack_names"]
