"""`glossator-ops inventory`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Make Ansible's inventory from Terraform's output.")
@click.argument("outputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="OUTPUT.json...")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it there, not to standard output.")
def command(outputs: tuple[Path, ...], out: Path | None) -> None:
    """Make Ansible's inventory from what `terraform output -json` wrote, of one environment or of several together."""
    from reviewer.console import check_output, save_text, write
    from runners.inventory import build_inventory, read_output, render_inventory

    check_output(out)
    text = render_inventory(build_inventory([(path, read_output(path)) for path in outputs]))
    if out is None:
        write(text)
        return
    save_text(text, out)
    click.echo(f"Wrote {out}. Next: ansible-playbook site.yml, in the folder ansible.", err=True)
