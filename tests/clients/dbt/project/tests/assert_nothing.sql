-- Fails on purpose when asked to.
select 1 as found {% if not var('broken', false) %} where false {% endif %}
