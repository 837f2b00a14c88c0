"""Commands that tell others what an app offers."""
