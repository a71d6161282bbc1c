"""The processes of one job: how they find each other, and how all of them end if one fails."""

from cornu.distribution.job.clusters import CLUSTERS, Cluster, Member
from cornu.distribution.job.connect import initialize

__all__ = ["CLUSTERS", "Cluster", "Member", "initialize"]
