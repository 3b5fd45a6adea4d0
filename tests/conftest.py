"""What holds for every test. In: nothing. Out: a Hypothesis profile in which no time is measured."""

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
