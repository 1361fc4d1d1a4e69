"""Divides the time among parts. Pure."""


def shared(parts, seconds):
    """{name: seconds} of the parts that fit: of those that do not, the longest is left out first."""
    fit = list(parts)
    while sum(part.least_s for part in fit) > seconds:
        fit.remove(max(fit, key=lambda part: part.least_s))
    over = seconds - sum(part.least_s for part in fit)
    shares = sum(part.share for part in fit) or 1
    return {part.name: part.least_s + over * part.share / shares for part in fit}
