"""Chat from other services: WeCom and Slack say what their people said, and get answers. docs/wecom-and-slack.md."""
