"""From raw figures to the report: medians, spreads and ratios of the same round."""

from statistics import median, quantiles

# A spread (interquartile range over median) above this means that the machine was busy with something else.
NOISY = 0.15
# More than this share of all cores taken by others, and a client with more threads gets more of what is left.
BUSY = 0.10
GOALS = {"python": 20.0, "node": 4.0, "dingtalk-python": 20.0}
IDLE_RSS_GOAL_MB = 40.0
START_GOAL_MS = 200.0
OURS = "cardkey"
OURS_AT_DINGTALK = "dingtalk-cardkey"


def ours(name):
    """Cardkey on the platform of this contender."""
    return OURS_AT_DINGTALK if name.startswith("dingtalk-") else OURS


def spread(values):
    """The interquartile range."""
    if len(values) < 2:
        return 0.0
    low, _, high = quantiles(values, n=4, method="inclusive")
    return high - low


def column(found, name, field):
    """One figure of all rounds."""
    return [told[field] for told in found["rounds"][name]]


def ratios(found, name):
    """Cardkey's events per second over this contender's, round by round, both on the same platform."""
    pairs = zip(column(found, ours(name), "acks_per_second"), column(found, name, "acks_per_second"), strict=True)
    return [we / they for we, they in pairs if they > 0]


def is_noisy(values):
    """Whether they vary too much to be quoted."""
    middle = median(values)
    return middle <= 0 or spread(values) / middle > NOISY


def cpu_micros(found, name):
    """Processor time per acknowledged event, in microseconds, round by round."""
    return [told["cpu_seconds"] * 1e6 / told["acked"] for told in found["rounds"][name] if told["acked"]]


def row(found, name):
    """One line of the table."""
    rates = column(found, name, "acks_per_second")
    cells = [found["titles"][name], f"{median(rates):,.0f}",
             f"{spread(rates):,.0f}" + (" NOISY" if is_noisy(rates) else "")]
    cells += [f"{median(column(found, name, field)):.2f}" for field in ("p50_ms", "p99_ms")]
    micros = cpu_micros(found, name)
    cells.append(f"{median(micros):.1f}" if micros else "–")
    cells += [f"{found[field][name]:.0f}" for field in ("idle_rss_mb", "peak_rss_mb")]
    if name == ours(name) or ours(name) not in found["rounds"]:
        return cells + ["1" if name == ours(name) else "–", ""]
    times = ratios(found, name)
    return cells + [f"**{median(times):.1f}**", f"{min(times):.1f} – {max(times):.1f}"]


HEAD = ["client", "acks/s, median", "IQR", "p50 ms", "p99 ms", "CPU µs per event", "RSS idle MB", "RSS peak MB",
        "Cardkey is × faster, median of rounds", "lowest – highest"]


def table(found):
    """All contenders."""
    lines = [HEAD, ["---"] + ["---:"] * (len(HEAD) - 1)] + [row(found, name) for name in found["rounds"]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def goals(found):
    """Each goal, what came out, and whether it was met."""
    lines = ["The machine was busy, so neither \"met\" nor \"NOT MET\" below says much.\n"] if is_busy(found) else []
    for name, goal in GOALS.items():
        if ours(name) in found["rounds"] and name in found["rounds"]:
            lines.append(goal_line(f"{found['titles'][name]}: at least {goal:g} ×", f"{median(ratios(found, name)):.1f} ×",
                                   median(ratios(found, name)) >= goal))
    if OURS in found["idle_rss_mb"]:
        idle, start = found["idle_rss_mb"][OURS], median(found["start"]["ms"])
        lines.append(goal_line(f"RSS idle below {IDLE_RSS_GOAL_MB:g} MB (inbox nearly empty)", f"{idle:.1f} MB", idle < IDLE_RSS_GOAL_MB))
        lines.append(goal_line(
            f"start to ready below {START_GOAL_MS:g} ms (inbox nearly empty)",
            f"{start:.0f} ms, median of {len(found['start']['ms'])} starts "
            f"(with a new database {found['start']['with_new_database_ms']:.0f} ms)", start < START_GOAL_MS))
    return "\n".join(lines)


def others(found):
    """The share of all cores that other processes took, round by round."""
    return [told["others_cpu_share"] for rounds in found["rounds"].values() for told in rounds]


def is_busy(found):
    """Whether others took too much."""
    return median(others(found)) > BUSY


def goal_line(wanted, got, met):
    """One goal."""
    return f"- {wanted}: {got}: {'met' if met else 'NOT MET'}"


def tallies(found):
    """Per contender: sent, acked, refused, rows."""
    for name, told in found["rounds"].items():
        rows = sum(entry["rows"] for entry in told) if "rows" in told[0] else None
        yield (name, *(sum(entry[field] for entry in told) for field in ("sent", "acked", "ack_errors")), rows)


def is_correct(found):
    """Nobody may acknowledge what is not in its database, and nobody may refuse anything."""
    return all(errors == 0 and acked > 0 and (rows is None or rows >= acked)
               for _, _, acked, errors, rows in tallies(found))


def correctness(found):
    """The same in words."""
    lines = []
    for name, sent, acked, errors, rows in tallies(found):
        kept = "keeps nothing" if rows is None else f"{rows:,} rows in its database"
        verdict = "" if rows is None else " (rows ≥ acks)" if rows >= acked else " (ROWS ARE MISSING)"
        lines.append(f"- {found['titles'][name]}: {sent:,} sent, {acked:,} acknowledged, {errors:,} refused, {kept}{verdict}")
    return "\n".join(lines)


def disk(found):
    """How fast the disk was just before it was needed; during a flood it can be faster or slower."""
    took = [told["fdatasync_ms"] for rounds in found["rounds"].values() for told in rounds if "fdatasync_ms" in told]
    if not took:
        return "nobody used the disk."
    return (f"the disk kept 4 KiB in {median(took):.2f} ms (fdatasync just before each round that needs it: median; "
            f"{min(took):.2f} to {max(took):.2f} ms).")


def noise(found):
    """How quiet the machine was."""
    shares = others(found)
    noisy = [found["titles"][name] for name in found["rounds"] if is_noisy(column(found, name, "acks_per_second"))]
    words = (f"Other processes took {median(shares):.0%} of all cores during a round (median; {max(shares):.0%} at worst); "
             f"{disk(found)}")
    if is_busy(found):
        words += " **The machine was busy with other work: measure again before quoting anything of this.**"
    if noisy:
        words += (" NOISY (the spread is above 15 % of the median; quote no absolute figure of these): "
                  + "; ".join(noisy) + ".")
    return words


def text(found):
    """The report."""
    spec, machine = found["spec"], found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    left_out = "".join(f"\nLeft out: {name}: {why}\n" for name, why in found["missing"].items())
    return f"""# Events acknowledged per second

Made by `make bench-events` on {found['date']}; what is measured is described in `bench/README.md`.

{spec['rounds']} interleaved rounds of {spec['seconds']:g} s after {spec['warm_up_seconds']:g} s of warm-up; one connection, \
{spec['window']} events unacknowledged at most, {spec['event_bytes']} bytes each, every {spec['card_every']}th a tap on a card. \
The client under test has one core, its sandbox another. Only ratios of the same run mean anything.

{table(found)}
{left_out}
Cardkey is durable in this table: each event was committed with `synchronous=FULL` before its acknowledgement left, and so \
are the clients "+ SQLite", one commit per event. The clients with an empty handler keep nothing. The rows of DingTalk are \
compared with Cardkey's own there; what is pushed there is a JSON text in place of a protobuf frame.

## Goals

{goals(found)}

## Correctness in the same run

{correctness(found)}

## Machine

{machine['cores']} cores, {machine['cpu']}, {machine['memory_gb']} GB, Linux {machine['kernel']}, {machine['file_system']}. \
{noise(found)}

{versions}.
"""
