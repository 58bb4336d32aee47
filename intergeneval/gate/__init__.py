"""The gate: may this run replace its baseline? `verdict` decides, `writing` says it, `baselines` keeps what is compared with."""
